import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { csvRows } from './mysql-csv.ts';

/** Protocol::LengthEncodedString, written the plain way. */
function encode(value: Uint8Array | null): Uint8Array {
  if (value === null) return Uint8Array.of(0xfb);
  const { length } = value;
  const head =
    length < 251
      ? [length]
      : length < 65_536
        ? [0xfc, length & 255, length >> 8]
        : [0xfd, length & 255, (length >> 8) & 255, length >> 16];
  return Buffer.concat([Uint8Array.from(head), value]);
}

/** RFC 4180, read the plain way; an unquoted \N is NULL. */
function decode(csv: Buffer): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  const text = csv.toString('latin1');
  for (let at = 0; at < text.length; ) {
    let cell: string | null = '';
    if (text[at] === '"') {
      for (at += 1; ; at += 1) {
        if (text[at] === '"' && text[at + 1] === '"') at += 1;
        else if (text[at] === '"') break;
        cell += text[at];
      }
      at += 1;
    } else {
      while (text[at] !== ',' && text[at] !== '\n') {
        cell += text[at];
        at += 1;
      }
      if (cell === '\\N') cell = null;
    }
    row.push(cell);
    if (text[at] === '\n') {
      rows.push(row);
      row = [];
    }
    at += 1;
  }
  return rows;
}

const CELL = fc.option(
  fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc
      .constantFrom('', '\\N', ',', '"', '""', '\n', '\r\n', ' x ', 'a,"b"\n')
      .map((text) => Buffer.from(text)),
    fc.integer({ min: 240, max: 70_000 }).map((length) => new Uint8Array(length).fill(0x22)),
  ),
  { nil: null },
);

describe('rows of the text protocol', () => {
  test('become CSV that reads back as the very bytes, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }).chain((columns) =>
          fc.array(fc.array(CELL, { minLength: columns, maxLength: columns }), {
            minLength: 1,
            maxLength: 6,
          }),
        ),
        (rows) => {
          const out = csvRows((rows[0] ?? []).map(() => false));
          for (const row of rows) {
            const packet = Buffer.concat([Buffer.from('head'), ...row.map(encode), Buffer.from('next')]);
            out.add(packet, 4, packet.length - 4);
          }
          const block = out.take();
          expect(block.rows).toBe(rows.length);
          expect(decode(Buffer.from(block.bytes))).toEqual(
            rows.map((row) =>
              row.map((cell) => (cell === null ? null : Buffer.from(cell).toString('latin1'))),
            ),
          );
          expect(out.length).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('write bytes as hexadecimal digits where they are no text', () => {
    const out = csvRows([true, false]);
    out.add(Buffer.concat([encode(Uint8Array.of(0, 10, 34, 255)), encode(Buffer.from('x'))]), 0, 7);
    out.add(Buffer.concat([encode(new Uint8Array()), encode(null)]), 0, 2);
    expect(Buffer.from(out.take().bytes).toString()).toBe('000a22ff,x\n"",\\N\n');
  });

  test('that end early, or are longer than their columns, are an error', () => {
    expect(() => csvRows([false, false]).add(Uint8Array.of(1, 65), 0, 2)).toThrow();
    expect(() => csvRows([false]).add(Uint8Array.of(1, 65, 1, 66), 0, 4)).toThrow('longer');
    expect(() => csvRows([false]).add(Uint8Array.of(9, 65), 0, 2)).toThrow('early');
  });
});
