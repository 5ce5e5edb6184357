import { BUILD_INFO } from '../../core/build-info.ts';
import { maskSecrets } from '../../core/secret.ts';
import type { Attributes, AttributeValue } from '../../core/span.ts';

/** A span that has ended. Times are nanoseconds since 1970. */
export interface EndedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Attributes;
  readonly error?: { readonly type: string; readonly message: string };
}

export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: 'sum' | 'histogram';
  readonly points: readonly { readonly attributes: Attributes; readonly value: number }[];
}

const SCOPE = { name: 'foundry', version: BUILD_INFO.version };

/** The body of `POST /v1/traces`: ExportTraceServiceRequest in OTLP's JSON (opentelemetry-proto 1.x). */
export function tracesBody(resource: Attributes, spans: readonly EndedSpan[]): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [{ scope: SCOPE, spans: spans.map(spanBody) }],
      },
    ],
  };
}

/** SPAN_KIND_INTERNAL; STATUS_CODE_ERROR. */
const INTERNAL = 1;
const ERROR = 2;

function spanBody({ traceId, spanId, parentSpanId, name, start, end, attributes, error }: EndedSpan): object {
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: INTERNAL,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    attributes: keyValues({ ...attributes, ...(error !== undefined && { 'error.type': error.type }) }),
    status: error === undefined ? {} : { code: ERROR, message: maskSecrets(error.message) },
  };
}

/** Of a histogram of seconds. */
const BOUNDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600];
/** AGGREGATION_TEMPORALITY_CUMULATIVE: a process tells its totals once, at its end. */
const CUMULATIVE = 2;

/** The body of `POST /v1/metrics`: ExportMetricsServiceRequest. */
export function metricsBody(
  resource: Attributes,
  metrics: readonly Metric[],
  times: { readonly start: bigint; readonly end: bigint },
): object {
  const common = { startTimeUnixNano: String(times.start), timeUnixNano: String(times.end) };
  return {
    resourceMetrics: [
      {
        resource: { attributes: keyValues(resource) },
        scopeMetrics: [
          {
            scope: SCOPE,
            metrics: metrics.map(({ name, description, unit, kind, points }) => ({
              name,
              description,
              unit,
              [kind]: {
                aggregationTemporality: CUMULATIVE,
                ...(kind === 'sum' && { isMonotonic: true }),
                dataPoints: points.map(({ attributes, value }) => ({
                  ...common,
                  attributes: keyValues(attributes),
                  ...(kind === 'sum' ? { asDouble: value } : histogramPoint(value)),
                })),
              },
            })),
          },
        ],
      },
    ],
  };
}

function histogramPoint(value: number): object {
  const bucket = BOUNDS.findIndex((bound) => value <= bound);
  const at = bucket < 0 ? BOUNDS.length : bucket;
  const counts = Array.from({ length: BOUNDS.length + 1 }, (_, n) => (n === at ? '1' : '0'));
  return { count: '1', sum: value, bucketCounts: counts, explicitBounds: BOUNDS };
}

function keyValues(attributes: Attributes): readonly object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

/** Whole numbers of 64 bits are texts in protobuf's JSON. */
function anyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: maskSecrets(value) };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
