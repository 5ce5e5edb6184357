import { FoundryError } from '../core/errors.ts';
import { type Field, formatType } from '../core/schema.ts';
import type { ReadRequest, RejectedRow } from './source.ts';

const MAX_VALUE_CHARS = 80;

/**
 * Hands over a record with a value that is not of its column's type.
 * @param place of the record, for the message.
 * @throws DATA001 naming place, column and value where nobody takes such records.
 */
export async function refuse(
  { onRejected }: Pick<ReadRequest, 'onRejected'>,
  { name: column, type }: Field,
  value: string,
  record: Pick<RejectedRow, 'file' | 'line' | 'names' | 'cells'>,
  place = `${record.file}:${record.line}`,
): Promise<void> {
  const { file, line } = record;
  const wanted = formatType(type);
  if (onRejected !== undefined) {
    const reason = `value does not fit type ${wanted} in column ${column}`;
    await onRejected({ ...record, column, value, reason });
    return;
  }
  const shown = value.length > MAX_VALUE_CHARS ? `${value.slice(0, MAX_VALUE_CHARS)}…` : value;
  const article = /^[aeiou]/.test(wanted) ? 'an' : 'a';
  throw new FoundryError(
    'DATA001',
    `${place}: column "${column}": ${JSON.stringify(shown)} is not exactly ${article} ${wanted}`,
    {
      details: { file, line, column },
      hint: 'Correct the value at the source, or give the column another type in the option "types".',
    },
  );
}
