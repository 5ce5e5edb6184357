import { FoundryError } from '../../core/errors.ts';

/**
 * A row of an extractor as JSON text that keeps its values: bigints by their digits, dates in ISO 8601 (UTC), bytes in
 * base64.
 * @throws DATA001 naming the column for a value that JSON has no place for.
 */
export function rowText(row: unknown, place: string): string {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw new FoundryError(
      'DATA001',
      `${place} is ${kindOf(row)}, but a row is an object of columns and values`,
    );
  }
  const members: string[] = [];
  for (const [name, value] of Object.entries(row)) {
    if (value === undefined) continue;
    members.push(`${JSON.stringify(name)}:${valueText(value, place, name, 0)}`);
  }
  return `{${members.join(',')}}`;
}

/** Deeper than any data, and less than the call stack takes. */
const MAX_DEPTH = 500;

function valueText(value: unknown, place: string, column: string, depth: number): string {
  if (depth > MAX_DEPTH)
    throw misfit(place, column, `nested deeper than ${MAX_DEPTH} levels, or in a circle`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'bigint':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) throw misfit(place, column, String(value));
      return Object.is(value, -0) ? '-0' : JSON.stringify(value);
    case 'object':
      return value === null ? 'null' : objectText(value, place, column, depth);
    default:
      throw misfit(place, column, kindOf(value));
  }
}

function objectText(value: object, place: string, column: string, depth: number): string {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw misfit(place, column, 'an invalid Date');
    return JSON.stringify(value.toISOString());
  }
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  const inner = (item: unknown): string => valueText(item, place, column, depth + 1);
  if (Array.isArray(value))
    return `[${value.map((item) => (item === undefined ? 'null' : inner(item))).join(',')}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw misfit(place, column, kindOf(value));
  const members = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${inner(item)}`).join(',')}}`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return Array.isArray(value) ? 'a list' : `a ${value.constructor?.name ?? 'object without a class'}`;
}

function misfit(place: string, column: string, what: string): FoundryError {
  return new FoundryError('DATA001', `${place}: the value of column ${JSON.stringify(column)} is ${what}`, {
    details: { column },
    hint: 'Give texts, numbers, bigints, booleans, Dates, bytes (Uint8Array), null, or lists and objects of these.',
  });
}
