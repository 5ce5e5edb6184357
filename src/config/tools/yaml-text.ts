import { stringify } from 'yaml';

const FLOW = { lineWidth: 0, collectionStyle: 'flow', flowCollectionPadding: false } as const;

/** A value on one line, quoted where YAML would read it as something else. */
export function text(value: string): string {
  return stringify(escaped(value), { lineWidth: 0, defaultStringType: 'PLAIN', blockQuote: false }).trim();
}

/** `[a, b]` */
export function list(values: readonly string[]): string {
  return stringify(values.map(escaped), { ...FLOW, blockQuote: false }).trim();
}

/** A name from a file is that name, whatever the environment holds. */
function escaped(value: string): string {
  return value.replaceAll('${', () => '$${');
}

/** Into a comment. */
export function oneLine(value: string): string {
  return value.replaceAll(/\s+/g, ' ');
}

export function indented(lines: readonly string[], indent = '  '): string[] {
  return lines.map((line) => `${indent}${line}`);
}

/** `{a: int64}` */
export function mapping(values: Readonly<Record<string, string>>): string {
  const escapedKeys = Object.entries(values).map(([key, value]) => [escaped(key), value]);
  return stringify(Object.fromEntries(escapedKeys), FLOW).trim();
}
