import { connect } from 'node:net';
import type { ApiTimeouts } from '../../config/api/spec.ts';
import { FoundryError, messageOf, throwIfStopped } from '../../core/errors.ts';
import { LONGEST_TIMEOUT_MS, stopError, systemTimer, unlessStopped } from '../../resilience/timer.ts';
import { unpackBody } from './body.ts';
import type { ApiRequest, ApiResponse } from './exchange.ts';
import { TransportError } from './transport-error.ts';

/** Certificates as PEM texts; how Bun's `fetch` takes them. */
export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface TransportOptions {
  readonly timeouts: ApiTimeouts;
  /** The host is not spoken to directly. */
  readonly isProxied: boolean;
  readonly tls?: TlsOptions;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * One request over the network and its whole answer; credentials are in it, redirects are not followed.
 *
 * @param leftMs time for it, where that is less than the configured one
 */
export type Transport = (request: ApiRequest, signal: AbortSignal, leftMs?: number) => Promise<ApiResponse>;

/**
 * @throws (the transport) TransportError when the host cannot be reached, goes silent or breaks off; EXT001 when its
 * certificate is refused; INT001 when stopped
 */
export function openTransport(options: TransportOptions): Transport {
  const reached = new Set<string>();
  return async (request, signal, leftMs = Number.POSITIVE_INFINITY) => {
    const { host, origin } = new URL(request.url);
    if (options.timeouts.connectMs !== undefined && !options.isProxied && !reached.has(origin)) {
      await reach(new URL(request.url), options.timeouts.connectMs, signal);
      reached.add(origin);
    }
    try {
      const totalMs = Math.max(1, Math.min(options.timeouts.totalMs, leftMs));
      return await attempt(request, { ...options, timeouts: { ...options.timeouts, totalMs } }, signal);
    } catch (error) {
      if (error instanceof TransportError) reached.delete(origin);
      if (error instanceof FoundryError || error instanceof TransportError) throw error;
      throw failureOf(error, host);
    }
  };
}

async function attempt(
  request: ApiRequest,
  { timeouts, tls, onBytes }: TransportOptions,
  signal: AbortSignal,
): Promise<ApiResponse> {
  const watch = watchdog(timeouts, signal, new URL(request.url).host);
  try {
    const response = await watch.during(
      fetch(request.url, {
        method: request.method,
        headers: { ...request.headers },
        ...(request.body !== undefined && { body: request.body }),
        redirect: 'manual',
        signal: watch.signal,
        // Unpacking it ourselves tells what is wrong, and where.
        decompress: false,
        ...(tls !== undefined && { tls }),
      }),
    );
    const chunks: Uint8Array[] = [];
    const reader = response.body?.getReader();
    while (reader !== undefined) {
      const { done, value } = await watch.during(reader.read());
      if (done) break;
      onBytes?.(value.length);
      chunks.push(value);
    }
    const headers = Object.fromEntries(response.headers);
    const body = await unpackBody(joined(chunks), headers);
    return { url: request.url, status: response.status, headers, body };
  } finally {
    watch.end();
  }
}

/** Ends an attempt that takes too long as a whole, or goes silent, or is stopped. */
function watchdog({ idleMs, totalMs }: ApiTimeouts, outer: AbortSignal, host: string) {
  throwIfStopped(outer);
  const inner = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  ended.catch(() => {});
  const end = (reason: unknown): void => {
    reject(reason);
    inner.abort(reason);
  };
  const expire = (message: string) => (): void => end(new TransportError(message));
  const stop = (): void => end(stopError(outer));
  const total = setTimeout(
    expire(`${host} did not answer within ${seconds(totalMs)} in all`),
    atMost(totalMs),
  );
  outer.addEventListener('abort', stop, { once: true });
  return {
    signal: inner.signal,
    /** Whatever a step that has ended this way does still is ignored. */
    async during<T>(step: Promise<T>): Promise<T> {
      step.catch(() => {});
      const idle = setTimeout(expire(`${host} sent nothing for ${seconds(idleMs)}`), atMost(idleMs));
      try {
        return await Promise.race([ended, step]);
      } finally {
        clearTimeout(idle);
      }
    },
    end(): void {
      clearTimeout(total);
      outer.removeEventListener('abort', stop);
      // Lets go of a body that nobody will read.
      inner.abort();
    },
  };
}

/** `fetch` cannot bound connecting alone, so that a connection is tried first where a bound is configured. */
async function reach(
  { protocol, hostname, port, host }: URL,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  });
  const waiting = new AbortController();
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(failureOf(error, host)));
  });
  const timeout = systemTimer.sleep(ms, waiting.signal).then(() => {
    throw new TransportError(`${host} took no connection within ${seconds(ms)}`);
  });
  timeout.catch(() => {});
  try {
    await unlessStopped(() => Promise.race([connected, timeout]), signal);
  } finally {
    waiting.abort();
    socket.destroy();
  }
}

const CERTIFICATE = /CERT|SELF_SIGNED|TLS|SSL|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH/;

function failureOf(error: unknown, host: string): FoundryError | TransportError {
  const code = String((error as { readonly code?: unknown }).code ?? '');
  if (CERTIFICATE.test(code)) {
    return new FoundryError('EXT001', `${host}: its certificate is not accepted (${code})`, {
      hint: 'Name the authority that signed it in tls.ca_file.',
      cause: error,
    });
  }
  if (code === 'EPROTO') {
    return new FoundryError('EXT001', `${host} does not speak TLS at this port`, {
      hint: 'Write http:// in base_url if the API is not encrypted, or correct its port.',
      cause: error,
    });
  }
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'refuses connections',
    ConnectionRefused: 'refuses connections',
    ECONNRESET: 'broke the connection off',
    ConnectionClosed: 'broke the connection off',
    ENOTFOUND: 'is not a known host name',
    EAI_AGAIN: 'could not be looked up',
    ETIMEDOUT: 'took no connection',
  };
  const reason = reasons[code] ?? `cannot be spoken to: ${messageOf(error).split('. ')[0]}`;
  const isUnknown = code === 'ENOTFOUND' || code === 'ECONNREFUSED' || code === 'ConnectionRefused';
  const hint = isUnknown ? `Check that ${host} is the right host; if it is, run again later.` : undefined;
  return new TransportError(`${host} ${reason}`, { cause: error, hint });
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

function atMost(ms: number): number {
  return Math.min(ms, LONGEST_TIMEOUT_MS);
}

function seconds(ms: number): string {
  return `${Math.ceil(ms) / 1000} s`;
}
