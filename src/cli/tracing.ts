/** Tracing, where `OTEL_EXPORTER_OTLP_ENDPOINT` says where to; without it nothing is loaded. */
import { openTracer, type Tracer } from "../controller/tracer.ts";
import type { Services } from "../controller/services.ts";
import type { CommandContext } from "./context.ts";
import { version } from "./version.ts";

export async function tracerOf(
  { db, clock, log, holder }: Pick<Services, "db" | "clock" | "log" | "holder">,
  env: CommandContext["env"],
): Promise<Tracer | undefined> {
  const endpoint = env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "";
  if (endpoint === "" || env["OTEL_SDK_DISABLED"] === "true") return undefined;
  const { openOtlp } = await import("../report/trace/otlp.ts");
  const serviceName = env["OTEL_SERVICE_NAME"] ?? "innominatus";
  const spans = openOtlp({ endpoint, serviceName, version, instance: holder });
  return openTracer(db, spans, clock, log);
}
