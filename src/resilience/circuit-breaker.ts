import {
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker as createPolicy,
  handleWhen,
  isBrokenCircuitError,
} from 'cockatiel';
import { FoundryError } from '../core/errors.ts';

const FAILURES = 5;
const COOL_DOWN_MS = 30_000;

/** Refuses to ask a host that failed again and again, until some time has passed and one trial succeeded. */
export interface CircuitBreaker {
  /**
   * Runs an operation, which is one with all its retries.
   *
   * @throws RETRY001 without running it while the circuit is open
   */
  run<T>(operation: () => Promise<T>): Promise<T>;
}

const policies = new Map<string, CircuitBreakerPolicy>();

/**
 * The breaker of one host, shared by everything in the process that asks it, and by nothing else: five operations in
 * a row that end in RETRY001 open it for 30 s. Any other failure is an answer, so the host is well.
 *
 * @param host what is asked, as messages name it: `api.example.com`, `db.example.com:5432`
 */
export function circuitBreaker(host: string): CircuitBreaker {
  const policy = policies.get(host) ?? newPolicy();
  policies.set(host, policy);
  return {
    async run(operation) {
      try {
        return await policy.execute(operation);
      } catch (error) {
        if (!isBrokenCircuitError(error)) throw error;
        throw new FoundryError(
          'RETRY001',
          `${host} failed ${FAILURES} times in a row and is left alone for ${COOL_DOWN_MS / 1000} s`,
          { details: { host }, cause: error },
        );
      }
    },
  };
}

function newPolicy(): CircuitBreakerPolicy {
  const isTemporary = (error: unknown): boolean => error instanceof FoundryError && error.code === 'RETRY001';
  return createPolicy(handleWhen(isTemporary), {
    halfOpenAfter: COOL_DOWN_MS,
    breaker: new ConsecutiveBreaker(FAILURES),
  });
}
