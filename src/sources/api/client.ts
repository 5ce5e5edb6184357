import { readFileSync } from 'node:fs';
import type { ApiSourceSpec, ApiTls } from '../../config/api/spec.ts';
import { FoundryError, messageOf } from '../../core/errors.ts';
import type { Attributes } from '../../core/span.ts';
import { traced } from '../../core/trace.ts';
import { circuitBreaker } from '../../resilience/circuit-breaker.ts';
import { rateLimiter } from '../../resilience/rate-limit.ts';
import { type RetryPolicy, retrying, type Verdict } from '../../resilience/retry.ts';
import { openCredentials } from './credentials.ts';
import type { ApiRequest, ApiResponse, Exchange } from './exchange.ts';
import { followRedirects } from './redirects.ts';
import { createRedactor, type Environment } from './secrets.ts';
import { BusyError, isBusy, retryAfterMs } from './status.ts';
import { openTransport, type TlsOptions } from './transport.ts';
import { TransportError } from './transport-error.ts';

export interface ApiClient {
  readonly exchange: Exchange;
  /** Hides known secrets in a text. */
  redact(text: string): string;
}

export interface ClientContext {
  /** Of the API. */
  readonly origin: string;
  readonly env: Environment;
  readonly warn: (message: string) => void;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * The live end of the door: credentials, rate limit, redirects, retries and the host's circuit breaker around one
 * transport.
 *
 * @throws AUTH001 where a secret is missing, before anything is requested; CFG001 where a certificate cannot be read
 */
export function openClient(spec: ApiSourceSpec, context: ClientContext): ApiClient {
  const { origin, env, warn } = context;
  const redactor = createRedactor();
  const transport = openTransport({
    timeouts: spec.timeouts,
    isProxied: isProxied(origin, env),
    ...(spec.tls !== undefined && { tls: tlsOptions(spec.tls) }),
    ...(context.onBytes !== undefined && { onBytes: context.onBytes }),
  });
  const credentials = openCredentials(spec, { origin, env, redactor, transport, warn });
  const limiter = rateLimiter(spec.rateLimit ?? rateOfEnvironment(env, warn));
  const breaker = circuitBreaker(new URL(origin).host);
  const { statuses, ...times } = spec.retry;
  const policy: RetryPolicy = { ...times, classify };

  /** @param until when there is no time left, by `performance.now()` */
  const follow = async (request: ApiRequest, signal: AbortSignal, until: number) => {
    let sent: ApiRequest | undefined;
    const response = await followRedirects(request, async (hop) => {
      await limiter.take(signal);
      const ready = await credentials.apply(hop, signal);
      sent = ready;
      const answer = await traced('foundry.request', requestAttributes(hop), async (span) => {
        const got = await transport(ready, signal, until - performance.now());
        span?.set({ 'http.response.status_code': got.status });
        return got;
      });
      return { ...answer, url: hop.url };
    });
    return { response, sent };
  };

  const send = async (request: ApiRequest, signal: AbortSignal, until: number): Promise<ApiResponse> => {
    const { response, sent } = await follow(request, signal, until);
    // A token that ended on its way, or was revoked: once more with a new one.
    if (response.status !== 401 || !credentials.refused(sent)) return response;
    return (await follow(request, signal, until)).response;
  };

  const attempt = async (request: ApiRequest, signal: AbortSignal, until: number): Promise<ApiResponse> => {
    const what = `${request.method} ${request.url}`;
    let response: ApiResponse;
    try {
      response = await send(request, signal, until);
    } catch (error) {
      if (error instanceof TransportError)
        throw new TransportError(`${what}: ${error.message}`, { cause: error, hint: error.hint });
      throw error;
    }
    const { status, headers } = response;
    if (!isBusy(status, statuses)) {
      limiter.answered();
      return response;
    }
    const afterMs = retryAfterMs(headers, Date.now());
    if (status === 429) limiter.complained(Math.min(afterMs ?? 0, spec.retry.afterCapMs));
    throw new BusyError(`${what} answered ${status}`, status, afterMs);
  };

  return {
    redact: redactor.redact,
    exchange: (request, signal) =>
      breaker.run(() => {
        const until = performance.now() + spec.retry.deadlineMs;
        return retrying(() => attempt(request, signal, until), policy, {
          signal,
          onRetry: ({ error, attempt: number, waitMs }) =>
            warn(
              `${redactor.redact(messageOf(error))}; attempt ${number} of ${policy.attempts}, next in ${(waitMs / 1000).toFixed(1)} s`,
            ),
        });
      }),
  };
}

/** The request as it is before credentials are added to it. */
function requestAttributes({ method, url }: ApiRequest): () => Attributes {
  return () => ({ 'http.request.method': method, 'url.full': url });
}

function classify(error: unknown): Verdict {
  if (error instanceof BusyError) {
    return { retry: true, ...(error.afterMs !== undefined && { afterMs: error.afterMs }) };
  }
  return { retry: error instanceof TransportError };
}

/** `BRONZE_API_RPS`, for configs that name no rate. */
function rateOfEnvironment(env: Environment, warn: (message: string) => void): { rps?: number } {
  const text = env.BRONZE_API_RPS?.trim() ?? '';
  if (text === '') return {};
  const rps = Number(text);
  if (Number.isFinite(rps) && rps > 0) return { rps };
  warn(`BRONZE_API_RPS is "${text}", which is no number above 0; requests are not limited`);
  return {};
}

/** Whether Bun's `fetch` takes a proxy for this origin, where connecting cannot be timed apart. */
function isProxied(origin: string, env: Environment): boolean {
  const name = origin.startsWith('https:') ? 'https_proxy' : 'http_proxy';
  return [env[name], env[name.toUpperCase()]].some((value) => value !== undefined && value !== '');
}

function tlsOptions({ verify, caFile, certFile, keyFile }: ApiTls): TlsOptions {
  const read = (key: string, file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new FoundryError('CFG001', `tls.${key}: ${file} cannot be read: ${messageOf(error)}`, {
        cause: error,
      });
    }
  };
  return {
    rejectUnauthorized: verify,
    ...(caFile !== undefined && { ca: read('ca_file', caFile) }),
    ...(certFile !== undefined && { cert: read('cert_file', certFile) }),
    ...(keyFile !== undefined && { key: read('key_file', keyFile) }),
  };
}
