/**
 * Spans to an OpenTelemetry collector, with the standard SDK. Import it dynamically, and only where an
 * endpoint is configured: nothing of the SDK is loaded otherwise.
 */
import { ROOT_CONTEXT, SpanStatusCode, trace, TraceFlags } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { SpanRecord } from "./spans.ts";

export interface SpanExport {
  write(spans: readonly SpanRecord[]): void;
  /** Sends what is left, within the SDK's own time limit. */
  close(): Promise<void>;
}

export interface OtlpOptions {
  /** `OTEL_EXPORTER_OTLP_ENDPOINT`; headers and time limits are read from their variables by the SDK. */
  readonly endpoint: string;
  readonly serviceName: string;
  readonly version: string;
  /** This process. */
  readonly instance: string;
}

export function openOtlp({ endpoint, serviceName, version, instance }: OtlpOptions): SpanExport {
  const url = `${endpoint.replace(/\/+$/, "")}/v1/traces`;
  const resource = resourceFromAttributes({
    "service.name": serviceName,
    "service.version": version,
    "service.instance.id": instance,
  });
  // The record has the ids already: the SDK is told the next ones instead of making them up.
  let next = { traceId: "", spanId: "" };
  const provider = new NodeTracerProvider({
    resource,
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  });
  const tracer = provider.getTracer("innominatus", version);

  const write = (span: SpanRecord): void => {
    const { traceId, spanId, parentId, name, attributes } = span;
    next = { traceId, spanId };
    const parent =
      parentId === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId,
            spanId: parentId,
            traceFlags: TraceFlags.SAMPLED,
            isRemote: true,
          });
    const opened = tracer.startSpan(
      name,
      { startTime: new Date(span.startAt), attributes },
      parent,
    );
    if (span.failed) opened.setStatus({ code: SpanStatusCode.ERROR });
    opened.end(new Date(span.endAt));
  };
  return {
    write: (spans) => spans.forEach(write),
    close: () => provider.shutdown(),
  };
}
