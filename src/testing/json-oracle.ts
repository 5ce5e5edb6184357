import { expect } from 'bun:test';
import fc from 'fast-check';
import { parseType } from '../core/schema.ts';
import { formatDecimal } from '../table/format.ts';

/** A JSON number with its digits, a string, a nested value, a boolean, null, or nothing at all. */
const values = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -99, max: 99 }).map(String) },
  { weight: 2, arbitrary: fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,2})?$/) },
  fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
  fc.jsonValue({ maxDepth: 1 }).map((value) => JSON.stringify(value)),
  fc.constantFrom('null', 'true', 'false', '{ "a" : [1.10, "b c"] }'),
);
const record = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', '7'), values, { maxKeys: 4 }).map(
  (members) =>
    `{${Object.entries(members)
      .map(([name, text]) => `${JSON.stringify(name)}: ${text}`)
      .join(', ')}}`,
);

/** Texts of records, by page; some are no objects. */
export const recordPages = fc.array(
  fc.array(
    fc.oneof(
      { weight: 9, arbitrary: record },
      values.filter((text) => !text.startsWith('{')),
    ),
    { maxLength: 8 },
  ),
  { maxLength: 8 },
);

/** The members of a record by the runtime's own parser, each with the text it was written in. */
export function naiveMembers(text: string): Map<string, { value: unknown; source: string }> {
  type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;
  const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;
  const parsed = parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? new Digits(source) : value,
  );
  const isRecord =
    typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) && !(parsed instanceof Digits);
  const members = isRecord ? Object.entries(parsed) : [['value', parsed] as [string, unknown]];
  return new Map(members.map(([name, value]) => [name, { value, source: naiveText(value) }]));
}

class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function naiveText(value: unknown): string {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(naiveText).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, member]) => `${JSON.stringify(name)}:${naiveText(member)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

/** @param landed as a `Batch` holds it; a decimal may be its digits. */
export function expectSame(
  member: { value: unknown; source: string } | undefined,
  landed: unknown,
  typeName: string,
): void {
  if (member === undefined || member.value === null) {
    expect(landed).toBeNull();
    return;
  }
  const type = parseType(typeName);
  if (type === undefined) throw new Error(typeName);
  if (type.kind === 'string')
    expect(landed).toBe(typeof member.value === 'string' ? member.value : member.source);
  else if (type.kind === 'json') expect(landed).toBe(member.source);
  else if (type.kind === 'boolean') expect(landed).toBe(member.value);
  else if (type.kind === 'decimal')
    expect(exact(typeof landed === 'bigint' ? formatDecimal(landed, type.scale) : String(landed))).toBe(
      exact(member.source),
    );
  else expect(exact(String(landed))).toBe(exact(member.source));
}

/** The number times 10^400, as an integer. */
function exact(text: string): bigint {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return BigInt(whole + fraction) * 10n ** BigInt(400 + Number(exponent) - fraction.length);
}
