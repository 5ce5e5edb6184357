import { FoundryError } from '../core/errors.ts';

/** What Hive, Spark and DuckDB write and read for NULL in a path. */
const NULL_VALUE = '__HIVE_DEFAULT_PARTITION__';

/** The longest name that common file systems take. */
const MAX_SEGMENT_BYTES = 255;

/**
 * A partition value as a path spells it. No two values give the same text: ASCII letters, digits and `-._~` stay,
 * other ASCII is percent-encoded, everything else stays as it is (readers that decode byte by byte would garble
 * it). NULL has a spelling of its own, and text that looks like it is escaped.
 *
 * @throws DATA001 for text that is not valid Unicode, which no path can hold.
 */
export function encodePartitionValue(value: string | null): string {
  if (value === null) return NULL_VALUE;
  if (value === NULL_VALUE) return `%5F${NULL_VALUE.slice(1)}`;
  if (!value.isWellFormed()) {
    throw new FoundryError('DATA001', `the partition value ${JSON.stringify(value)} is not valid Unicode`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII
  return value.replace(/[\u0000-\u007f]/g, (character) =>
    /[A-Za-z0-9._~-]/.test(character)
      ? character
      : `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The inverse of `encodePartitionValue`; also takes what other writers percent-encode. */
export function decodePartitionValue(text: string): string | null {
  if (text === NULL_VALUE) return null;
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escaped) => {
    const bytes = Buffer.from(escaped.replaceAll('%', ''), 'hex');
    const decoded = bytes.toString('utf8');
    return Buffer.from(decoded).equals(bytes) ? decoded : escaped;
  });
}

/**
 * `region=x%20y`
 * @throws DATA001 when the name is longer than file systems take: cutting it would let two values collide.
 */
export function partitionSegment(column: string, value: string | null): string {
  const segment = `${encodePartitionValue(column)}=${encodePartitionValue(value)}`;
  if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) {
    throw new FoundryError(
      'DATA001',
      `a value of the partition column "${column}" is too long for a folder name: ${segment.slice(0, 60)}…`,
      { hint: 'Partition by a column with shorter values.' },
    );
  }
  return segment;
}

/** Column and value of `column=value`; undefined when the text is no such segment. */
export function parsePartitionSegment(
  segment: string,
): { readonly column: string; readonly value: string | null } | undefined {
  const at = segment.indexOf('=');
  if (at < 1) return undefined;
  const column = decodePartitionValue(segment.slice(0, at));
  return column === null ? undefined : { column, value: decodePartitionValue(segment.slice(at + 1)) };
}
