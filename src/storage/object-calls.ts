import { FoundryError, throwIfStopped } from '../core/errors.ts';
import type { Attributes } from '../core/span.ts';
import { traced } from '../core/trace.ts';
import { circuitBreaker } from '../resilience/circuit-breaker.ts';
import { type RetryPolicy, retrying, type Verdict } from '../resilience/retry.ts';
import type { ObjectApi, ObjectFailure } from './object-api.ts';
import { ObjectError, type Operation, objectError } from './object-error.ts';
import { ConditionFailed } from './storage.ts';

/** What the process around an object store gives it. */
export interface ObjectContext {
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
  readonly debug?: (message: string) => void;
  /** For tests: faster than people would wait. */
  readonly retry?: Partial<Pick<RetryPolicy, 'attempts' | 'baseMs' | 'capMs'>>;
  /** How long one request may go without an answer, in milliseconds. */
  readonly answerMs?: number;
}

export interface Calls {
  /**
   * One request with its retries, every failure named. `work` is given the attempt's own signal.
   * @throws ConditionFailed as it is; STG001, AUTH001, RETRY001, INT001.
   */
  call<T>(
    operation: Operation,
    name: string,
    work: (signal: AbortSignal) => Promise<T>,
    options?: CallOptions,
  ): Promise<T>;
  named(operation: Operation, name: string, error: unknown): Error;
  readonly signal: AbortSignal;
}

interface CallOptions {
  /** Cleaning up goes on after the run was told to stop. */
  readonly signal?: AbortSignal;
  readonly attempts?: number;
}

const POLICY = { attempts: 5, baseMs: 500, capMs: 8000, jitter: 0.2, afterCapMs: 60_000 };
/** Long enough for 8 MB over a slow line. */
const ANSWER_MS = 120_000;

export function objectCalls(api: ObjectApi, uriOf: (name: string) => string, context: ObjectContext): Calls {
  const policy: RetryPolicy = { ...POLICY, ...context.retry, classify };
  const breaker = circuitBreaker(api.host);

  const named = (operation: Operation, name: string, error: unknown): Error => {
    if (error instanceof FoundryError || error instanceof ConditionFailed) return error;
    return objectError(api, operation, { uri: uriOf(name), name }, api.failure(error), error);
  };

  return {
    named,
    signal: context.signal,
    call(operation, name, work, options = {}) {
      const signal = options.signal ?? context.signal;
      const attempt = async () => {
        const late = AbortSignal.timeout(context.answerMs ?? ANSWER_MS);
        try {
          return await traced('foundry.request', requestAttributes(operation, name), () =>
            work(AbortSignal.any([signal, late])),
          );
        } catch (error) {
          throwIfStopped(signal);
          const failure = late.aborted ? noAnswer(context.answerMs ?? ANSWER_MS) : undefined;
          if (failure === undefined) throw named(operation, name, error);
          throw objectError(api, operation, { uri: uriOf(name), name }, failure, error);
        }
      };
      return breaker.run(() =>
        retrying(
          attempt,
          options.attempts === undefined ? policy : { ...policy, attempts: options.attempts },
          {
            signal,
            onRetry: ({ error, attempt: failed, waitMs }) =>
              context.debug?.(
                `${error instanceof Error ? error.message : String(error)}; attempt ${failed} of ${policy.attempts}, again in ${Math.round(waitMs)} ms`,
              ),
          },
        ),
      );
    },
  };
}

function requestAttributes(operation: Operation, name: string): () => Attributes {
  return () => ({ 'foundry.storage.operation': operation, 'foundry.storage.key': name });
}

function noAnswer(ms: number): ObjectFailure {
  return { kind: 'temporary', code: 'NoAnswer', message: `no answer within ${ms / 1000} s` };
}

/** Also a conflict passes: the other conditional write ends one way or the other. */
function classify(error: unknown): Verdict {
  if (!(error instanceof ObjectError)) return { retry: false };
  const { kind, afterMs } = error.failure;
  if (kind !== 'temporary' && kind !== 'conflict') return { retry: false };
  return { retry: true, ...(afterMs !== undefined && { afterMs }) };
}

export function failureKind(error: unknown): ObjectFailure['kind'] | undefined {
  return error instanceof ObjectError ? error.failure.kind : undefined;
}
