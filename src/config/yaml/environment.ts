import type { ConfigPath } from './problems.ts';
import { pathKey } from './problems.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Substituted {
  readonly value: unknown;
  /** By `pathKey`: the texts that came from the environment, as written in the file and as substituted. */
  readonly origins: ReadonlyMap<string, SubstitutedText>;
  readonly problems: readonly { readonly path: ConfigPath; readonly message: string }[];
}

export interface SubstitutedText {
  /** `s3://${BUCKET}/x`: what messages show, so that no value of the environment is ever printed. */
  readonly written: string;
  readonly text: string;
}

const SUBSTITUTION = /\$\$\{|\$\{([^}]*)\}/g;
const EXPRESSION = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\?|:)(.*))?$/s;

/**
 * Replaces `${NAME}`, `${NAME:default}`, `${NAME:-default}` and `${NAME:?message}` in every text of a parsed
 * config; `$${` stands for a literal `${`. Keys and other values are left alone. A value that is exactly one
 * substitution is read again as a YAML scalar.
 */
export function substitute(root: unknown, env: Environment): Substituted {
  const origins = new Map<string, SubstitutedText>();
  const problems: { path: ConfigPath; message: string }[] = [];

  const expand = (written: string, path: ConfigPath): unknown => {
    if (!written.includes('${')) return written;
    let used = false;
    const text = written.replace(SUBSTITUTION, (whole: string, expression: string | undefined) => {
      if (expression === undefined) return '${';
      used = true;
      const result = evaluate(expression, env);
      if ('message' in result) {
        problems.push({ path, message: result.message });
        return whole;
      }
      return result.value;
    });
    if (/(?<!\$)\$\{[^}]*$/.test(written)) {
      problems.push({
        path,
        message: 'a substitution is not closed with }; write $$ where a literal $ stands before {',
      });
    }
    if (!used) return text;
    origins.set(pathKey(path), { written, text });
    return isOneSubstitution(written) ? readScalar(text) : text;
  };

  const walk = (value: unknown, path: ConfigPath): unknown => {
    if (typeof value === 'string') return expand(value, path);
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index]));
    if (!isMapping(value)) return value;
    const copy: Record<string, unknown> = Object.create(null);
    for (const [key, item] of Object.entries(value)) copy[key] = walk(item, [...path, key]);
    return copy;
  };

  return { value: walk(root, []), origins, problems };
}

/** A YAML mapping, as opposed to the dates, sets and bytes that tags can produce. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isOneSubstitution(text: string): boolean {
  return !text.startsWith('$${') && /^\$\{[^}]*\}$/.test(text);
}

function evaluate(
  expression: string,
  env: Environment,
): { readonly value: string } | { readonly message: string } {
  const match = EXPRESSION.exec(expression);
  const name = match?.[1];
  if (name === undefined) {
    const written = `\${${expression}}`;
    return { message: `${JSON.stringify(written)} is not a substitution; write $\${ for a literal \${` };
  }
  const operator = match?.[2];
  const rest = match?.[3] ?? '';
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (operator === ':?') {
    if (value !== undefined && value !== '') return { value };
    const reason = rest === '' ? 'it must be set and not empty' : rest;
    return { message: `the environment variable ${name} is missing: ${reason}` };
  }
  if (operator === ':-') return { value: value === undefined || value === '' ? rest : value };
  if (value !== undefined) return { value };
  if (operator === ':') return { value: rest };
  return { message: `the environment variable ${name} is not set, and \${${name}} has no default` };
}

/** A plain scalar by the YAML 1.2 core schema, except that an empty text stays an empty text. */
function readScalar(text: string): unknown {
  if (/^(?:null|Null|NULL|~)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?\d+$/.test(text)) return Number(text);
  if (/^0[ox][0-9a-fA-F]+$/.test(text)) return Number.isNaN(Number(text)) ? text : Number(text);
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) return Number(text);
  return text;
}
