import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { type Field, parseType } from '../../core/schema.ts';
import { statInput } from '../input.ts';
import { openPart } from '../open-part.ts';
import { readCsv } from './csv-reader.ts';
import { scanCsv } from './csv-scan.ts';
import type { CsvDialect } from './dialect.ts';
import { scanRecords } from './record-scanner.ts';

const signal = new AbortController().signal;
const COMMA: CsvDialect = { delimiter: ',', quote: '"' };

let folder: string;
let files = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'csv-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function put(content: string | Uint8Array, extension = 'csv'): string {
  files += 1;
  const file = join(folder, `file-${files}.${extension}`);
  writeFileSync(file, content);
  return file;
}

async function read(content: string | Uint8Array, dialect = COMMA, extension = 'csv') {
  const rows: (readonly string[])[] = [];
  const lines: number[] = [];
  for await (const block of readCsv(await statInput(put(content, extension)), dialect, { signal })) {
    rows.push(...block.rows);
    lines.push(...block.lines);
  }
  return { rows, lines };
}

describe('delimited text is read cell by cell', () => {
  for (const [name, newline] of [
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ]) {
    test(`lines that end in ${name}, with and without a last one`, async () => {
      const text = ['a,b', '1,"x,""y"""', '', '2,é'].join(newline);
      const rows = [
        ['a', 'b'],
        ['1', 'x,"y"'],
        ['2', 'é'],
      ];
      expect(await read(text)).toEqual({ rows, lines: [1, 2, 4] });
      expect(await read(text + newline)).toEqual({ rows, lines: [1, 2, 4] });
    });
  }

  test('line ends of all kinds may be mixed in one file', async () => {
    const { rows, lines } = await read('a,b\r\n1,2\n3,4\r5,6\n"7\r\n7",8\n');
    expect(rows).toEqual([
      ['a', 'b'],
      ['1', '2'],
      ['3', '4'],
      ['5', '6'],
      ['7\r\n7', '8'],
    ]);
    expect(lines).toEqual([1, 2, 3, 4, 5]);
  });

  test('a quoted cell may span lines, and later records still know their line', async () => {
    const { rows, lines } = await read('a,b\n"x\ny\r\nz\rw",1\n\n2,3\n');
    expect(rows).toEqual([
      ['a', 'b'],
      ['x\ny\r\nz\rw', '1'],
      ['2', '3'],
    ]);
    expect(lines).toEqual([1, 2, 7]);
  });

  test('a byte order mark is dropped', async () => {
    expect((await read('\ufeffa,b\n1,2')).rows[0]).toEqual(['a', 'b']);
    expect((await read('\ufeff')).rows).toEqual([]);
  });

  test('in a file of one column, a quoted empty cell is a record and a blank line is none', async () => {
    expect((await read('a\n""\n\nx\n')).rows).toEqual([['a'], [''], ['x']]);
  });

  test('a quote within an unquoted cell is part of it', async () => {
    expect((await read('a,b\n5" pipe,say "hi"\n"q",1\n')).rows.slice(1)).toEqual([
      ['5" pipe', 'say "hi"'],
      ['q', '1'],
    ]);
  });

  test('other delimiters and quotes, also of several characters or none', async () => {
    expect((await read("a;b\n'x;''y';2\n", { delimiter: ';', quote: "'" })).rows[1]).toEqual(["x;'y", '2']);
    expect((await read('a||b\n"x||y"||2\n', { delimiter: '||', quote: '"' })).rows[1]).toEqual(['x||y', '2']);
    expect((await read('a§b\n"x§y"§2\n', { delimiter: '§', quote: '"' })).rows[1]).toEqual(['x§y', '2']);
    expect((await read('a\tb\n"x\t2\n', { delimiter: '\t', quote: '' })).rows[1]).toEqual(['"x', '2']);
  });

  test('gzip is unpacked, also in several members', async () => {
    const bytes = Buffer.concat([gzipSync('a,b\n1,'), gzipSync('2\n')]);
    expect((await read(bytes, COMMA, 'csv.gz')).rows).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ]);
  });

  test('empty files and files of blank lines have no records', async () => {
    expect((await read('')).rows).toEqual([]);
    expect((await read('\n\r\n\n')).rows).toEqual([]);
    expect((await read(gzipSync(''), COMMA, 'csv.gz')).rows).toEqual([]);
  });

  test('cells that are larger than a chunk', async () => {
    const cell = 'x'.repeat(3_000_000);
    const { rows, lines } = await read(`a,b\n"${cell}\n${cell}",1\n2,3\n`);
    expect(rows[1]?.[0]).toBe(`${cell}\n${cell}`);
    expect(lines).toEqual([1, 2, 4]);
  });
});

describe('what cannot be read exactly is an error with its line', () => {
  const BAD: readonly [string, string | Uint8Array, string][] = [
    ['an unterminated quote', 'a,b\n1,2\n3,"x\n4,5\n', ':3: the file ends within the quoted cell'],
    ['text behind a closing quote', 'a,b\n"x\ny",2\n"x"y,2\n', ':4: text follows the closing quote'],
    ['a blank behind a closing quote', 'a,b\n"x" ,2\n', ':2: text follows'],
    [
      'bytes that are not UTF-8',
      Buffer.from('a,b\n1,2\n3,\xff\n', 'latin1'),
      ':3: holds bytes that are not UTF-8',
    ],
    [
      'a cut character at the end',
      Buffer.from('a,b\n1,\xc3', 'latin1'),
      ':2: holds bytes that are not UTF-8',
    ],
    ['UTF-16', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), ':1: holds'],
    ['NUL bytes', 'a,b\n1,2\n3,\0\n', ':3: holds a NUL byte'],
  ];
  for (const [name, content, message] of BAD) {
    test(name, () => expect(read(content)).rejects.toThrow(message));
  }

  test('gzip that is cut short, damaged or empty', async () => {
    const whole = gzipSync(`a,b\n${'1,2\n'.repeat(100_000)}`);
    await expect(read(whole.subarray(0, whole.length - 9), COMMA, 'csv.gz')).rejects.toThrow('ends early');
    await expect(read(whole.subarray(0, 20), COMMA, 'csv.gz')).rejects.toThrow('ends early');
    await expect(read('', COMMA, 'csv.gz')).rejects.toThrow('ends early');
    await expect(read('no gzip at all', COMMA, 'csv.gz')).rejects.toThrow('gzip data is damaged');
    const damaged = Buffer.from(whole);
    damaged[40] = (damaged[40] ?? 0) ^ 0xff;
    await expect(read(damaged, COMMA, 'csv.gz')).rejects.toThrow('csv.gz');
  });

  test('a dialect that cannot work is refused', async () => {
    await expect(read('', { delimiter: '', quote: '"' })).rejects.toThrow('delimiter');
    await expect(read('', { delimiter: ',', quote: ',' })).rejects.toThrow('quote');
    await expect(read('', { delimiter: '\n', quote: '"' })).rejects.toThrow('delimiter');
  });

  test('a file that changed since it was looked at', async () => {
    const file = put('a,b\n1,2\n');
    const input = await statInput(file);
    writeFileSync(file, 'a,b\n1,2\n3,4\n');
    const rows = readCsv(input, COMMA, { signal });
    await expect(rows.next()).rejects.toThrow('changed by another program');
  });

  test('a stopped run stops reading', async () => {
    const input = await statInput(put('a,b\n1,2\n'));
    const rows = readCsv(input, COMMA, { signal: AbortSignal.abort() });
    await expect(rows.next()).rejects.toThrow('interrupted');
  });
});

const cell = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', '👩‍🚀', ''), maxLength: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => text.replaceAll('\0', '')),
);
const tables = fc
  .integer({ min: 2, max: 4 })
  .chain((width) =>
    fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }),
  );
const spelling = fc.record({
  newline: fc.constantFrom('\n', '\r\n', '\r'),
  bom: fc.boolean(),
  lastNewline: fc.boolean(),
  quoteAll: fc.boolean(),
});

function spell(
  table: readonly (readonly string[])[],
  how: { newline: string; bom: boolean; lastNewline: boolean; quoteAll: boolean },
): string {
  const lines = table.map((row) =>
    row
      .map((text) => (how.quoteAll || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
      .join(','),
  );
  return `${how.bom ? '\ufeff' : ''}${lines.join(how.newline)}${how.lastNewline ? how.newline : ''}`;
}

describe('any table, spelled any way', () => {
  test('is read back cell by cell, and the scan counts its records', async () => {
    await fc.assert(
      fc.asyncProperty(tables, spelling, async (table, how) => {
        const text = spell(table, how);
        expect((await read(text)).rows).toEqual(table);
        const scan = await scanCsv(await statInput(put(text)), COMMA, { signal });
        expect(scan?.records).toBe(table.length);
      }),
      { numRuns: 300 },
    );
  });

  test('has the same records however its bytes are cut into chunks', () => {
    fc.assert(
      fc.property(
        tables,
        spelling,
        fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
        (table, how, sizes) => {
          const bytes = Buffer.from(spell(table, { ...how, bom: false }));
          const scan = (cuts: Iterable<number>): unknown[] => {
            const found: unknown[] = [];
            const scanner = scanRecords(COMMA, 'f', (...record) => found.push(record));
            let from = 0;
            for (const size of cuts) {
              scanner.push(bytes.subarray(from, from + size));
              from += size;
              if (from >= bytes.length) break;
            }
            scanner.finish();
            return found;
          };
          expect(scan(sizes)).toEqual(scan([bytes.length]));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the scan', () => {
  const scan = async (content: string | Uint8Array) =>
    scanCsv(await statInput(put(content)), COMMA, { signal });

  test('counts records, not lines, and measures the longest', async () => {
    expect(await scan('a,b\n\n"x\ny",1\n2,3')).toEqual({ records: 3, longestRecordBytes: 8, regular: true });
  });
  test('finds text that readers differ about', async () => {
    expect((await scan('a,b\n5" pipe,1\n'))?.regular).toBe(false);
    expect((await scan('a,b\r\n1,2\n'))?.regular).toBe(false);
    expect((await scan('a,b\r\n1,2\r\n3,4'))?.regular).toBe(true);
  });
  test('refuses what is not UTF-8, also across chunks', async () => {
    expect(await scan(Buffer.from('a,b\n1,\xff\n', 'latin1'))).toBeUndefined();
    expect(await scan(`a,b\n${'é'.repeat(1_500_001)},1\n`)).toEqual({
      records: 2,
      longestRecordBytes: 3_000_005,
      regular: true,
    });
    expect(await scan(Buffer.from(`a,b\n1,${'é'.repeat(10)}\xc3`, 'latin1'))).toBeUndefined();
  });
});

describe('CSV parts', () => {
  const type = (name: string): Field['type'] => parseType(name)!;
  test('hold the canonical text of every type, and tell NULL from the empty string', async () => {
    const fields: Field[] = [
      'string',
      'int64',
      'decimal(10,2)',
      'double',
      'timestamp',
      'timestamptz',
      'date',
      'time',
      'boolean',
      'binary',
    ].map((name, index) => ({ name: index === 0 ? 'a "name", quoted' : name, type: type(name) }));
    const columns = [
      ['', null, 'a,"b"\n\r', '👩‍🚀'],
      [2n ** 63n - 1n, null, 0n, 1n],
      [1250n, null, -5n, 0n],
      [0.1, null, Number.NaN, Number.NEGATIVE_INFINITY],
      [-1n, null, 0n, 0n],
      [1704164645000006n, null, 0n, 0n],
      [-1, null, 0, 0],
      [86_399_999_999n, null, 0n, 0n],
      [true, null, false, true],
      [new Uint8Array([0, 255]), null, new Uint8Array(0), new Uint8Array([1])],
    ];
    const file = join(folder, 'part.csv.tmp');
    const writer = await openPart('csv', file, { fields }, 'snappy');
    await writer.write({ schema: { fields }, columns, length: 4 });
    const closed = await writer.close();
    const text = readFileSync(file, 'utf8');
    expect(text).toBe(
      [
        '"a ""name"", quoted",int64,"decimal(10,2)",double,timestamp,timestamptz,date,time,boolean,binary',
        '"",9223372036854775807,12.50,0.1,1969-12-31T23:59:59.999999,2024-01-02T03:04:05.000006Z,1969-12-31,23:59:59.999999,true,AP8=',
        ',,,,,,,,,',
        '"a,""b""\n\r",0,-0.05,NaN,1970-01-01T00:00:00.000000,1970-01-01T00:00:00.000000Z,1970-01-01,00:00:00.000000,false,""',
        '👩‍🚀,1,0.00,-Infinity,1970-01-01T00:00:00.000000,1970-01-01T00:00:00.000000Z,1970-01-01,00:00:00.000000,true,AQ==',
        '',
      ].join('\n'),
    );
    expect(closed).toMatchObject({ rows: 4, sizeBytes: Buffer.byteLength(text) });
  });

  test('any strings and NULLs are read back by DuckDB as they were', async () => {
    const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
    const text = fc.oneof(cell, fc.constant(null));
    const fields: Field[] = [
      { name: 'a', type: type('string') },
      { name: 'b', type: type('string') },
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 20 }), async (rows) => {
        files += 1;
        const file = join(folder, `duck-${files}.csv`);
        const writer = await openPart('csv', file, { fields }, 'none');
        const columns = [rows.map(([a]) => a), rows.map(([, b]) => b)];
        await writer.write({ schema: { fields }, columns, length: rows.length });
        await writer.close();
        const found = await connection.runAndReadAll(
          `SELECT * FROM read_csv('${file}', header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
             allow_quoted_nulls = false, columns = {'a': 'VARCHAR', 'b': 'VARCHAR'}, new_line = '\\n')`,
        );
        expect(found.getRows()).toEqual(rows);
      }),
      { numRuns: 100 },
    );
    connection.closeSync();
  });
});
