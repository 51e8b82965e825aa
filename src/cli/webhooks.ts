/** The webhooks' endpoint, from the settings: whose deliveries are taken, and what they set going. */
import type { Hono } from "hono";
import type { Services } from "../controller/services.ts";
import type { Told } from "../controller/told.ts";
import type { Metrics } from "../server/metrics.ts";
import { webhookRoutes, type WebhookTarget } from "../server/webhooks.ts";
import { readSecret, type Environment } from "../settings/secret-variables.ts";
import type { Settings } from "../settings/settings.ts";
import { takeDelivery } from "../store/webhook-deliveries.ts";

export function webhookEndpoint(
  { db, clock, log }: Pick<Services, "db" | "clock" | "log">,
  { repositories }: Pick<Settings, "repositories">,
  env: Environment,
  told: Told,
  metrics: Metrics,
): Hono {
  const targets = repositories.flatMap(({ name, forge }): WebhookTarget[] => {
    if (forge?.webhookSecretEnv === undefined) return [];
    const { kind, repository: fullName, webhookSecretEnv } = forge;
    const secret = (): string | undefined => {
      const found = readSecret(env, webhookSecretEnv);
      return found.state === "set" ? found.value : undefined;
    };
    return [{ repository: name, forge: kind, fullName, secret }];
  });
  return webhookRoutes({
    targets,
    take: (delivery) => takeDelivery(db, delivery),
    tell: (repository) => told.tell(repository),
    count: (forge, result) => metrics.webhookReceived(forge, result),
    onError: (error) => log.warn({ err: error }, "taking a webhook's delivery"),
    clock,
  });
}
