import * as v from 'valibot';
import { didYouMean } from '../../core/nearest.ts';
import { isMapping } from './environment.ts';
import { prepare } from './prepare.ts';
import { type ConfigPath, formatPath } from './problems.ts';
import type { Report } from './report.ts';
import type { Schema } from './schema-kit.ts';

/** All keys and items may be missing: a config with its wrong values taken out. */
export type Partly<T> = T extends readonly (infer Item)[]
  ? readonly Item[]
  : T extends object
    ? { readonly [K in keyof T]?: Partly<T[K]> | undefined }
    : T;

export interface Shape<T> {
  /** Only when the value fits the schema. */
  readonly config?: T;
  /** What of the value fits, for checks that look at several keys at once. */
  readonly partial: Partly<T>;
}

/** Checks a value against a schema and reports everything that does not fit. */
export function checkShape<S extends Schema>(
  schema: S,
  value: unknown,
  report: Report,
): Shape<v.InferOutput<S>> {
  const prepared = prepare(schema, value, report);
  const result = v.safeParse(schema, prepared);
  if (result.success) return { config: result.output, partial: result.output as Partly<v.InferOutput<S>> };
  const broken: ConfigPath[] = [];
  for (const issue of result.issues.flatMap((found) => innermost(found))) {
    broken.push(issue.path);
    report.invalid(issue.path, explain(issue, report), isMissing(issue.issue) ? 'key' : 'value');
  }
  return { partial: without(prepared, broken, []) as Partly<v.InferOutput<S>> };
}

interface Found {
  readonly issue: v.BaseIssue<unknown>;
  readonly path: ConfigPath;
}

/** A union complains as a whole; where one of its members looked inside the value, that complaint is better. */
function innermost(issue: v.BaseIssue<unknown>, above: ConfigPath = []): Found[] {
  const path = [...above, ...(issue.path ?? []).map((item) => item.key as string | number)];
  const inner = (issue.issues ?? []).filter((candidate) => candidate.path !== undefined);
  if (issue.type === 'union' && inner.length > 0) return inner.flatMap((found) => innermost(found, path));
  return [{ issue, path }];
}

function isMissing(issue: v.BaseIssue<unknown>): boolean {
  return issue.type === 'strict_object' && issue.path?.at(-1)?.origin === 'key';
}

function explain({ issue, path }: Found, report: Report): string {
  const key = formatPath(path.slice(-1));
  if (isMissing(issue)) {
    const parent = path.length > 1 ? formatPath(path.slice(0, -1)) : 'the config';
    return `${parent} requires '${key}'`;
  }
  if (issue.input === null && report.originOf(path) === undefined) return `'${key}' is empty`;
  const shown = report.show(path, issue.input);
  if (issue.type === 'picklist') {
    const names = choicesIn(issue.expected);
    const guess =
      typeof issue.input === 'string' && report.originOf(path) === undefined
        ? didYouMean(issue.input, names)
        : '';
    const label = key.replaceAll('_', ' ');
    return `Invalid ${formatPath(path)} ${shown}: the ${label} must be one of ${names.join(', ')}${guess}`;
  }
  const advice = report.originOf(path) === undefined ? howToWrite(issue.message, issue.input) : '';
  const last = path.at(-1);
  const name = typeof last === 'number' ? `item ${last + 1}` : key;
  return `${name} ${issue.message}, got ${shown}${advice}`;
}

/** How the value would be written so that it has the type that is wanted, where that is plain. */
function howToWrite(wanted: string, given: unknown): string {
  if (
    /^must be (?:a )?text(?: or |$)/.test(wanted) &&
    (typeof given === 'number' || typeof given === 'boolean')
  )
    return ' (put it in quotes)';
  if (typeof given !== 'string') return '';
  const written = given.trim();
  if (/^must be a list of texts/.test(wanted) && /^[\w ,-]{1,60}$/.test(written)) {
    const items = written.replace(/^-\s*/, '').split(',');
    return ` (write [${items.map((item) => item.trim()).join(', ')}])`;
  }
  if (wanted === 'must be true or false') {
    if (/^(?:yes|y|on|true)$/i.test(written)) return ' (write true, without quotes)';
    return /^(?:no|n|off|false)$/i.test(written) ? ' (write false, without quotes)' : '';
  }
  const number = /integer|number/.test(wanted) ? written.replaceAll(/[,_ ](?=\d{3}\b)/g, '') : '';
  return /^-?\d{1,15}(?:\.\d+)?$/.test(number) ? ` (write ${number}, without quotes)` : '';
}

/** The names in valibot's own description of a choice: `("a" | "b")`. */
function choicesIn(expected: string | null): readonly string[] {
  return [...(expected ?? '').matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? '');
}

/** A copy without the values at the paths; a list that holds one of them goes as a whole. */
function without(value: unknown, broken: readonly ConfigPath[], path: ConfigPath): unknown {
  if (!isMapping(value)) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const here = [...path, key];
    const hits = broken.filter((other) => here.every((part, index) => String(other[index]) === part));
    const itself = hits.some((other) => other.length === here.length);
    if (itself || (hits.length > 0 && !isMapping(item))) continue;
    kept[key] = without(item, hits, here);
  }
  return kept;
}
