import type { DataType } from '../core/schema.ts';
import { textCast } from './cast.ts';
import { takeNumberApart, unscaledDecimal } from './number-text.ts';

/** Gives the value, or undefined when the JSON value is not exactly a value of the type. */
export type JsonCast = (kind: 'string' | 'boolean' | 'number' | 'json', text: string) => unknown;

/**
 * How a JSON value becomes a value of a type: strings by the rules of `textCast`; numbers by their digits (an
 * exponent is welcome where it loses none; double takes the nearest one); everything is text to a string column.
 */
export function jsonCast(type: DataType): JsonCast {
  const fromText = textCast(type);
  switch (type.kind) {
    case 'string':
      return (_kind, text) => text;
    case 'json':
      return (kind, text) => (kind === 'string' ? JSON.stringify(text) : text);
    case 'double':
      return (kind, text) => (kind === 'number' ? finite(text) : fromScalar(fromText, kind, text));
    case 'decimal':
      return (kind, text) => {
        if (kind !== 'number') return fromScalar(fromText, kind, text);
        const number = takeNumberApart(text);
        return number === undefined ? undefined : unscaledDecimal(number, type.precision, type.scale);
      };
    default:
      return (kind, text) => fromScalar(fromText, kind, text);
  }
}

function fromScalar(cast: (text: string) => unknown, kind: string, text: string): unknown {
  return kind === 'json' ? undefined : cast(text);
}

function finite(text: string): number | undefined {
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
