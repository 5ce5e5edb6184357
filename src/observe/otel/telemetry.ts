import { hostname } from 'node:os';
import { BUILD_INFO } from '../../core/build-info.ts';
import { asFoundryError } from '../../core/failure.ts';
import type { Log } from '../../core/log.ts';
import { maskSecrets } from '../../core/secret.ts';
import type { Attributes, Span } from '../../core/span.ts';
import { type Tracer, traceWith } from '../../core/trace.ts';
import { postJson, shownUrl } from '../http.ts';
import type { RunFacts } from '../outcome.ts';
import { type EndedSpan, type Metric, metricsBody, tracesBody } from './payload.ts';
import type { OtelSettings } from './settings.ts';

/** Spans are sent when there are so many, and at the end. */
const BATCH = 512;
/** What a collector that does not keep up may make the process hold. */
const HELD = 20_000;

export interface Telemetry {
  /** Sends what is left, and the metrics; then nothing is traced any more. Never throws. */
  finish(metrics: readonly Metric[]): Promise<void>;
}

/** Traces the process from now on, and sends beside the run. What cannot be sent is one warning. */
export function openTelemetry(
  settings: OtelSettings,
  facts: RunFacts,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Telemetry {
  for (const warning of settings.warnings) log.warn(warning);
  const started = now();
  const resource: Attributes = {
    'service.name': 'foundry',
    'service.version': BUILD_INFO.version,
    'service.instance.id': facts.runId,
    'host.name': hostname(),
    'process.pid': process.pid,
    ...settings.resource,
  };
  let pending: EndedSpan[] = [];
  let dropped = 0;
  let sending: Promise<void> = Promise.resolve();
  const failed = new Set<string>();

  const send = (url: string, body: object): void => {
    const text = JSON.stringify(body);
    const { headers, timeoutMs, gzip } = settings;
    sending = sending.then(async () => {
      if (failed.has(url)) return;
      try {
        await postJson(url, gzip ? Bun.gzipSync(text) : text, {
          headers: gzip ? { ...headers, 'content-encoding': 'gzip' } : headers,
          timeoutMs,
          signal,
        });
      } catch (error) {
        failed.add(url);
        log.warn(
          `telemetry cannot be sent to ${shownUrl(url)}: ${maskSecrets(String(error instanceof Error ? error.message : error))}`,
        );
      }
    });
  };
  const flush = (): void => {
    const { tracesUrl } = settings;
    if (tracesUrl !== undefined && pending.length > 0) send(tracesUrl, tracesBody(resource, pending));
    pending = [];
  };
  const isTraced = settings.tracesUrl !== undefined && Math.random() < settings.ratio;
  if (isTraced) {
    traceWith(
      spanTracer(settings.parent, (span) => {
        if (failed.size > 0 || pending.length >= HELD) dropped += 1;
        else pending.push(span);
        if (pending.length >= BATCH) flush();
      }),
    );
  }
  return {
    async finish(metrics) {
      traceWith(undefined);
      flush();
      const { metricsUrl } = settings;
      if (metricsUrl !== undefined && metrics.length > 0) {
        send(metricsUrl, metricsBody(resource, metrics, { start: started, end: now() }));
      }
      await sending;
      if (dropped > 0) log.debug(`${dropped} spans were not sent`);
    },
  };
}

interface ActiveSpan extends Span {
  readonly traceId: string;
  readonly spanId: string;
}

function spanTracer(parent: OtelSettings['parent'], onEnd: (span: EndedSpan) => void): Tracer {
  const root = parent ?? { traceId: randomHex(16), spanId: undefined };
  return {
    start(name, given, around): ActiveSpan {
      const start = now();
      const above = around !== undefined && isActive(around) ? around : root;
      const spanId = randomHex(8);
      let attributes: Attributes = given;
      let ended = false;
      return {
        traceId: root.traceId,
        spanId,
        set(more) {
          attributes = { ...attributes, ...more };
        },
        end(error) {
          if (ended) return;
          ended = true;
          onEnd({
            traceId: root.traceId,
            spanId,
            ...(above.spanId !== undefined && { parentSpanId: above.spanId }),
            name,
            start,
            end: now(),
            attributes,
            ...(error !== undefined && { error: errorOf(error) }),
          });
        },
      };
    },
  };
}

function isActive(span: Span): span is ActiveSpan {
  return 'spanId' in span;
}

function errorOf(error: unknown): NonNullable<EndedSpan['error']> {
  const { code, message } = asFoundryError(error);
  return { type: code, message };
}

function randomHex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}

/** Nanoseconds since 1970; the digits below a microsecond are not known. */
function now(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}
