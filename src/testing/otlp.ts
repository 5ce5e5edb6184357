import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/**
 * The JSON form of OTLP's ExportTraceServiceRequest and ExportMetricsServiceRequest, written here after
 * opentelemetry-proto 1.x and its rules for JSON: lowerCamelCase names, ids in hex, enums as numbers, 64-bit integers as
 * texts. Unlike a collector, which passes over names that it does not know, this refuses them.
 */
function object(properties: object, required: readonly string[] = []): object {
  return { type: 'object', properties, required, additionalProperties: false };
}
const list = (items: object): object => ({ type: 'array', items });
const text = { type: 'string' } as const;
const int64 = { type: 'string', pattern: '^-?\\d+$' } as const;
const nanos = { type: 'string', pattern: '^[1-9]\\d{18}$' } as const;
const hex = (bytes: number): object => ({ type: 'string', pattern: `^[0-9a-f]{${bytes * 2}}$` });

const attributes = list(
  object(
    {
      key: { type: 'string', minLength: 1 },
      value: {
        ...object({
          stringValue: text,
          boolValue: { type: 'boolean' },
          intValue: int64,
          doubleValue: { type: 'number' },
        }),
        minProperties: 1,
        maxProperties: 1,
      },
    },
    ['key', 'value'],
  ),
);
const resource = object({ attributes });
const scope = object({ name: text, version: text });

const span = object(
  {
    traceId: hex(16),
    spanId: hex(8),
    parentSpanId: hex(8),
    name: { type: 'string', minLength: 1 },
    kind: { enum: [1, 2, 3, 4, 5] },
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes,
    status: object({ code: { enum: [0, 1, 2] }, message: text }),
  },
  ['traceId', 'spanId', 'name', 'startTimeUnixNano', 'endTimeUnixNano'],
);

const point = { startTimeUnixNano: nanos, timeUnixNano: nanos, attributes };
const temporality = { enum: [1, 2] } as const;
const metric = object(
  {
    name: { type: 'string', minLength: 1 },
    description: text,
    unit: text,
    sum: object(
      {
        aggregationTemporality: temporality,
        isMonotonic: { type: 'boolean' },
        dataPoints: list(object({ ...point, asDouble: { type: 'number' } }, ['timeUnixNano', 'asDouble'])),
      },
      ['aggregationTemporality', 'dataPoints'],
    ),
    histogram: object(
      {
        aggregationTemporality: temporality,
        dataPoints: list(
          object(
            {
              ...point,
              count: int64,
              sum: { type: 'number' },
              bucketCounts: list(int64),
              explicitBounds: list({ type: 'number' }),
            },
            ['timeUnixNano', 'count', 'bucketCounts', 'explicitBounds'],
          ),
        ),
      },
      ['aggregationTemporality', 'dataPoints'],
    ),
  },
  ['name'],
);

const SCHEMAS = {
  traces: object(
    {
      resourceSpans: list(
        object({ resource, scopeSpans: list(object({ scope, spans: list(span) }, ['spans'])) }, [
          'scopeSpans',
        ]),
      ),
    },
    ['resourceSpans'],
  ),
  metrics: object(
    {
      resourceMetrics: list(
        object({ resource, scopeMetrics: list(object({ scope, metrics: list(metric) }, ['metrics'])) }, [
          'scopeMetrics',
        ]),
      ),
    },
    ['resourceMetrics'],
  ),
} as const;

const compiled = new Map<string, ValidateFunction>();

/** What is wrong with the body of an export request; nothing where it is valid. */
export function otlpProblems(signal: keyof typeof SCHEMAS, body: unknown): readonly string[] {
  const validate =
    compiled.get(signal) ?? new Ajv2020({ strict: false, allErrors: true }).compile(SCHEMAS[signal]);
  compiled.set(signal, validate);
  return validate(body)
    ? []
    : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}
