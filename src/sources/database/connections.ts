import type { DatabaseSourceSpec } from '../../config/database/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import type { RetryPolicy } from '../../resilience/retry.ts';
import { parseConnectionString } from './connection-string.ts';
import type { ConnectionTarget } from './connection-target.ts';
import type { Driver, Session } from './driver.ts';
import { DRIVERS } from './drivers.ts';
import { isTemporary } from './shared-snapshot.ts';
import { tracedSession } from './traced-session.ts';

/**
 * Failures of the way to the database may pass; what the database says of a query does not. What was tried that often
 * already, by itself, is not begun again as part of the whole.
 */
export function readPolicy(spec: DatabaseSourceSpec): RetryPolicy {
  return {
    attempts: spec.maxAttempts,
    baseMs: 1000,
    capMs: 30_000,
    jitter: 0.2,
    afterCapMs: 60_000,
    classify: (error) => ({ retry: isTemporary(error) && !isExhausted(error) }),
  };
}

/** Its attempts are used up. */
function isExhausted(error: unknown): boolean {
  return error instanceof FoundryError && error.details.attempts !== undefined;
}

/** @throws AUTH001 when the variable is not set; CFG001 when the string cannot be read. */
export function connectionTarget(
  spec: DatabaseSourceSpec,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConnectionTarget {
  const text = env[spec.connectionEnv] ?? '';
  if (text === '') {
    throw new FoundryError('AUTH001', `the environment variable ${spec.connectionEnv} is not set`, {
      details: { env_var: spec.connectionEnv },
      hint: `Set ${spec.connectionEnv} to the connection string of the database.`,
    });
  }
  return parseConnectionString(text, spec.driver, spec.connectionEnv);
}

export interface Connected {
  readonly driver: Driver;
  connect(signal: AbortSignal): Promise<Session>;
}

export async function connectionsTo(target: ConnectionTarget, spec: DatabaseSourceSpec): Promise<Connected> {
  const driver = await DRIVERS[target.engine]();
  const seconds = target.connectTimeoutSeconds ?? spec.connectTimeoutSeconds;
  return {
    driver,
    connect: async (signal) => {
      const session = await driver.connect(target, {
        applicationName: spec.applicationName,
        connectTimeoutMs: seconds * 1000,
        ...(spec.statementTimeoutSeconds !== undefined && {
          statementTimeoutMs: spec.statementTimeoutSeconds * 1000,
        }),
        ...(spec.lockTimeoutSeconds !== undefined && { lockTimeoutMs: spec.lockTimeoutSeconds * 1000 }),
        fetchRows: spec.fetchRows,
        signal,
      });
      return tracedSession(session, target.engine);
    },
  };
}
