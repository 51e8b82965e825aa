/** What a test forge's webhooks send: signed as each forge does it, and delivered as often and in what order a test likes. */
import { createHmac } from "node:crypto";
import type { TestForge } from "./test-forge.ts";
import type { WorldEvent } from "./world.ts";

export interface Delivery {
  /** `/hooks/…` */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Takes away what happened on the forge since the last time, as deliveries in the order it happened. */
export function takeDeliveries(world: TestForge, secret: string): Delivery[] {
  return world.events.splice(0).map((event) => toDelivery(world, secret, event));
}

/** @returns the answer's status */
export async function deliver(url: string, { path, headers, body }: Delivery): Promise<number> {
  const response = await fetch(`${url}${path}`, { method: "POST", headers, body });
  await response.arrayBuffer();
  return response.status;
}

function toDelivery(world: TestForge, secret: string, event: WorldEvent): Delivery {
  const id = `delivery-${world.nextId()}`;
  const body = JSON.stringify(payloadOf(world, event, id));
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const json = { "content-type": "application/json" };
  const path = `/hooks/${world.kind}`;
  switch (world.kind) {
    case "github": {
      const name = {
        push: "push",
        "pull-request": "pull_request",
        comment: "issue_comment",
      }[event.kind];
      const headers = {
        ...json,
        "x-github-event": name,
        "x-github-delivery": id,
        "x-hub-signature-256": `sha256=${signature}`,
      };
      return { path, body, headers };
    }
    case "gitea":
      return {
        path,
        body,
        headers: { ...json, "x-gitea-delivery": id, "x-gitea-signature": signature },
      };
    case "gitlab":
      return {
        path,
        body,
        headers: { ...json, "x-gitlab-event-uuid": id, "x-gitlab-token": secret },
      };
  }
}

function payloadOf(world: TestForge, { kind, action, number, ref }: WorldEvent, id: string) {
  const what = { kind, action, number, ref, at: world.now(), id };
  return world.kind === "gitlab"
    ? { object_kind: kind, project: { path_with_namespace: world.repository }, what }
    : { action, repository: { full_name: world.repository }, what };
}
