/** Where and what of a run is sent to an OpenTelemetry collector. */
export interface OtelSettings {
  /** Absent: no traces. */
  readonly tracesUrl?: string;
  readonly metricsUrl?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly gzip: boolean;
  readonly resource: Readonly<Record<string, string>>;
  /** Share of traces that are kept, 0 to 1. */
  readonly ratio: number;
  /** The span that started this process, by TRACEPARENT (W3C Trace Context). */
  readonly parent?: { readonly traceId: string; readonly spanId: string; readonly sampled: boolean };
  readonly warnings: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_ENDPOINT = 'http://localhost:4318';
const DEFAULT_TIMEOUT_MS = 10_000;

/** By OpenTelemetry's own variables and the original's BRONZE_TRACING; undefined where nothing is wanted. */
export function otelSettings(env: Environment): OtelSettings | undefined {
  if (isTrue(env.OTEL_SDK_DISABLED)) return undefined;
  const tracesUrl = urlOf(env, 'TRACES', isTrue(env.BRONZE_TRACING));
  const metricsUrl = urlOf(env, 'METRICS', false);
  if (tracesUrl === undefined && metricsUrl === undefined) return undefined;
  const parent = parentOf(env.TRACEPARENT);
  const warnings: string[] = [];
  const protocol = env.OTEL_EXPORTER_OTLP_PROTOCOL;
  if (protocol && protocol !== 'http/json') {
    warnings.push(`OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}; foundry sends http/json`);
  }
  return {
    ...(tracesUrl !== undefined && { tracesUrl }),
    ...(metricsUrl !== undefined && { metricsUrl }),
    headers: pairs(env.OTEL_EXPORTER_OTLP_HEADERS),
    timeoutMs: positive(env.OTEL_EXPORTER_OTLP_TIMEOUT) ?? DEFAULT_TIMEOUT_MS,
    gzip: env.OTEL_EXPORTER_OTLP_COMPRESSION === 'gzip',
    resource: {
      ...pairs(env.OTEL_RESOURCE_ATTRIBUTES),
      ...(env.OTEL_SERVICE_NAME && { 'service.name': env.OTEL_SERVICE_NAME }),
    },
    ratio: ratioOf(env, parent),
    ...(parent !== undefined && { parent }),
    warnings,
  };
}

/** @param wanted whether it is wanted also where no variable of OpenTelemetry says so */
function urlOf(env: Environment, signal: 'TRACES' | 'METRICS', wanted: boolean): string | undefined {
  const exporter = env[`OTEL_${signal}_EXPORTER`];
  if (exporter === 'none') return undefined;
  // The signal's own endpoint is the whole URL; the general one is a base.
  const own = env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`];
  if (own) return own;
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!base && exporter !== 'otlp' && !wanted) return undefined;
  return `${(base || DEFAULT_ENDPOINT).replace(/\/+$/, '')}/v1/${signal.toLowerCase()}`;
}

function ratioOf(env: Environment, parent: OtelSettings['parent']): number {
  const sampler = env.OTEL_TRACES_SAMPLER ?? 'parentbased_always_on';
  if (sampler.startsWith('parentbased_') && parent !== undefined) return parent.sampled ? 1 : 0;
  if (sampler.endsWith('always_off')) return 0;
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG ?? 1);
  return sampler.endsWith('traceidratio') && ratio >= 0 && ratio <= 1 ? ratio : 1;
}

/** `00-<trace>-<span>-<flags>` */
function parentOf(text: string | undefined): OtelSettings['parent'] {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(text ?? '');
  const [, traceId, spanId, flags] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** `k=v,k2=v2`, percent-encoded. */
function pairs(text: string | undefined): Readonly<Record<string, string>> {
  const entries = (text ?? '').split(',').flatMap((pair): [string, string][] => {
    const at = pair.indexOf('=');
    return at <= 0 ? [] : [[decoded(pair.slice(0, at).trim()), decoded(pair.slice(at + 1).trim())]];
  });
  return Object.fromEntries(entries);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isTrue(text: string | undefined): boolean {
  return /^(?:1|true|yes|on)$/i.test(text ?? '');
}

function positive(text: string | undefined): number | undefined {
  const number = Number(text);
  return Number.isFinite(number) && number > 0 ? number : undefined;
}
