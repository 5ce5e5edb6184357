import { readFileSync } from 'node:fs';
import type { ApiSourceSpec, SecretRef } from '../../config/api/spec.ts';
import { FoundryError, messageOf } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param what `the token`, for messages
 * @throws AUTH001 naming the variable or file when it is not there or empty
 */
export function readSecret(ref: SecretRef, what: string, env: Environment): Secret {
  if ('env' in ref) {
    const value = env[ref.env];
    if (value !== undefined && value.trim() !== '') return new Secret(value.trim());
    const state = value === undefined ? 'is not set' : 'is empty';
    throw new FoundryError('AUTH001', `${what} is missing: the environment variable ${ref.env} ${state}`, {
      details: { env_var: ref.env },
      hint: `Set ${ref.env} and run again. Nothing was requested.`,
    });
  }
  let text: string;
  try {
    text = readFileSync(ref.file, 'utf8').trim();
  } catch (error) {
    throw new FoundryError('AUTH001', `${what} is missing: ${ref.file} cannot be read: ${messageOf(error)}`, {
      hint: `Put it into ${ref.file} and run again. Nothing was requested.`,
      cause: error,
    });
  }
  if (text !== '') return new Secret(text);
  throw new FoundryError('AUTH001', `${what} is missing: ${ref.file} is empty`, {
    hint: `Put it into ${ref.file} and run again. Nothing was requested.`,
  });
}

/** What of the secrets of an API is missing, without a request; undefined where all are there. */
export function checkSecrets({ auth }: ApiSourceSpec, env: Environment): string | undefined {
  const refs = Object.entries(auth).filter(
    (entry): entry is [string, SecretRef] =>
      typeof entry[1] === 'object' && ('env' in entry[1] || 'file' in entry[1]),
  );
  for (const [name, ref] of refs) {
    if (name === 'sessionToken') continue;
    try {
      readSecret(ref, `the ${name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`, env);
    } catch (error) {
      return messageOf(error);
    }
  }
  return undefined;
}

/** Texts in which known secrets, plain or as they stand in a URL, are `***`. */
export interface Redactor {
  add(secret: Secret): void;
  redact(text: string): string;
}

/** Hiding what is shorter would hide half of every message. */
const MIN_LENGTH = 4;

export function createRedactor(): Redactor {
  const texts = new Set<string>();
  return {
    add(secret) {
      const text = secret.reveal();
      if (text.length < MIN_LENGTH) return;
      texts.add(text);
      texts.add(encodeURIComponent(text));
    },
    redact(text) {
      let redacted = text;
      for (const secret of texts) redacted = redacted.replaceAll(secret, '***');
      return redacted;
    },
  };
}
