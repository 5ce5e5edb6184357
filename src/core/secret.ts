import { inspect } from 'node:util';

const MASK = '***';

/** Shorter ones are parts of ordinary words: masking them would spoil what is told, and hide little. */
const SHORTEST_MASKED = 6;

/** Every secret of this process, so that none gets out within the text of somebody else's error. */
const known = new Set<string>();

/** A value that must never be printed: every way of turning it into text gives `***`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    if (value.length >= SHORTEST_MASKED) known.add(value);
  }

  /** The only way to the value; call it where the value is used, and keep it nowhere. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]+@/gi;
const SECRET_PARAMETER =
  /([?&;](?:[\w.-]*(?:token|secret|passw(?:or)?d|pwd|api_?key|access_?key|signature|credential)[\w.-]*|sig|key|code|auth)=)[^&;\s"'<>]+/gi;

/**
 * Text for a log, a record or another system: without the secrets of this process, user names and passwords of URLs,
 * and values of URL parameters that are named like a secret.
 */
export function maskSecrets(text: string): string {
  let masked = text.replace(URL_PASSWORD, `$1${MASK}@`).replace(SECRET_PARAMETER, `$1${MASK}`);
  for (const secret of known) masked = masked.replaceAll(secret, MASK);
  return masked;
}

/** JSON of which every text is masked, with the escapes of JSON made afterwards. */
export function maskedJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, item: unknown) => (typeof item === 'string' ? maskSecrets(item) : item),
    indent,
  );
}
