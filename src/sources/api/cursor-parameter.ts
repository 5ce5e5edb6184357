import type { ApiSourceSpec, CursorFormat } from '../../config/api/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { cursorMicros } from '../../table/cursor-order.ts';
import { type CursorRequest, startOf } from '../cursor.ts';

/**
 * The parameter that asks an API for what is new. Nothing where there is no start yet. What the API gives beyond it
 * is left out by the cursor filter, so that a parameter that begins a little early loses nothing.
 *
 * @throws CFG001 where the cursor cannot be written in the configured format
 */
export function cursorParameter(
  { incremental }: ApiSourceSpec,
  cursor: CursorRequest | undefined,
): Readonly<Record<string, string>> {
  const from = cursor === undefined ? undefined : startOf(cursor);
  if (incremental === undefined || from === undefined) return {};
  return { [incremental.param]: written(from, incremental.format) };
}

const MICROS_PER_MS = 1000n;
const MICROS_PER_SECOND = 1_000_000n;

function written(text: string, format: CursorFormat): string {
  if (format === 'text') return text.replace(/(T\d\d:\d\d:\d\d)(?:\.0+|(\.\d*?)0+)(?=Z?$)/, '$1$2');
  const micros = microsOf(text);
  if (micros === undefined) {
    throw new FoundryError(
      'CFG001',
      `the cursor ${JSON.stringify(text)} is no time, so that it cannot be written as ${format}`,
      {
        hint: 'Leave out incremental.format to send the cursor as the records have it.',
      },
    );
  }
  switch (format) {
    case 'iso8601':
      return isoOf(micros);
    case 'date':
      return isoOf(micros).slice(0, 10);
    case 'unix':
      return String(floorDiv(micros, MICROS_PER_SECOND));
    case 'unix_ms':
      return String(floorDiv(micros, MICROS_PER_MS));
  }
}

/** Of a time or date; a naive one is taken for UTC. */
function microsOf(text: string): bigint | undefined {
  for (const spelling of [text, `${text}Z`, `${text}T00:00:00Z`]) {
    const micros = cursorMicros('timestamptz', spelling);
    if (micros !== undefined) return micros;
  }
  return undefined;
}

/** `2025-01-05T10:00:00Z`, with a fraction only where there is one. */
function isoOf(micros: bigint): string {
  const seconds = floorDiv(micros, MICROS_PER_SECOND);
  const fraction = micros - seconds * MICROS_PER_SECOND;
  const base = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const digits = fraction === 0n ? '' : `.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
  return `${base}${digits}Z`;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
