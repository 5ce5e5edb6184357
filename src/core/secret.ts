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

/**
 * Text that is kept or passed on as it is, but for the secrets of this process: as they are, as they stand in URLs, forms
 * and JSON, and within text in base64. Whatever is not known as a secret stays.
 */
export function withoutSecrets(text: string): string {
  let hidden = text;
  for (const secret of [...known].sort((a, b) => b.length - a.length)) {
    for (const form of formsOf(secret)) hidden = hidden.replaceAll(form, MASK);
  }
  return hidden;
}

const forms = new Map<string, readonly string[]>();

function formsOf(secret: string): readonly string[] {
  let found = forms.get(secret);
  if (found === undefined) {
    const url = encodeURIComponent(secret);
    const json = JSON.stringify(secret).slice(1, -1);
    const spelled = [
      secret,
      json,
      url,
      url.replaceAll('%20', '+'),
      new URLSearchParams([['', secret]]).toString().slice(1),
    ];
    found = [...new Set([...spelled, ...[0, 1, 2].flatMap((before) => base64Within(secret, before))])];
    forms.set(secret, found);
  }
  return found;
}

/** Of base64 of a longer text, what stands for the secret alone, where `before` bytes (modulo 3) precede it. */
function base64Within(secret: string, before: number): string[] {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
  const whole = bytes.toString('base64').replaceAll('=', '');
  // The last character holds bits of what follows, unless whole groups of three bytes end there.
  const end = bytes.length % 3 === 0 ? whole.length : whole.length - 1;
  const inner = whole.slice(Math.ceil((before * 8) / 6), end);
  return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
}
