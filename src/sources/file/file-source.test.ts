import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FileSourceSpec } from '../../config/spec.ts';
import type { Batch } from '../../core/batch.ts';
import { formatType, parseType } from '../../core/schema.ts';
import { openFileSource } from './file-source.ts';

const signal = new AbortController().signal;
let root: string;

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'file-source-')));
});
afterAll(() => rmSync(root, { recursive: true }));

function put(name: string, content: string | Uint8Array): string {
  const file = join(root, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function source(path: string, spec: Partial<FileSourceSpec> = {}, date = '2025-01-05') {
  const warnings: string[] = [];
  const full: FileSourceSpec = {
    type: 'file',
    path,
    configFolder: root,
    encoding: 'utf-8',
    quote: '"',
    hasHeader: true,
    nullValues: [],
    types: 'text',
    ...spec,
  };
  return {
    warnings,
    ...openFileSource(full, { runDate: { date }, warn: (message) => warnings.push(message) }),
  };
}

async function batches(opened: ReturnType<typeof source>): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of opened.read({ signal })) found.push(batch);
  return found;
}

/** Columns as `name type`, rows as objects. */
async function read(path: string, spec: Partial<FileSourceSpec> = {}, date?: string) {
  const opened = source(path, spec, date);
  const found = await batches(opened);
  const fields = found[0]?.schema.fields ?? [];
  const rows = found.flatMap((batch) =>
    Array.from({ length: batch.length }, (_, row) =>
      Object.fromEntries(fields.map(({ name }, index) => [name, batch.columns[index]?.[row]])),
    ),
  );
  return {
    columns: fields.map(({ name, type }) => `${name} ${formatType(type)}`),
    rows,
    warnings: opened.warnings,
  };
}

describe('which files are read', () => {
  test('one path, relative to the working directory, then to the config', async () => {
    put('one/orders.csv', 'id\n1\n');
    expect((await read(join(root, 'one/orders.csv'))).rows).toEqual([{ id: '1' }]);
    expect((await read('one/orders.csv')).rows).toEqual([{ id: '1' }]);
  });

  test('the run date fills {date}, {yyyy}, {mm} and {dd}', async () => {
    put('dated/2025/01/orders-2025-01-05.csv', 'id\n5\n');
    put('dated/05.csv', 'id\n6\n');
    expect((await read('dated/{yyyy}/{mm}/orders-{date}.csv')).rows).toEqual([{ id: '5' }]);
    expect((await read('dated/{dd}.csv')).rows).toEqual([{ id: '6' }]);
    await expect(read('dated/{dd}.csv', {}, '2025-01-06')).rejects.toThrow('no file matches');
  });

  test('a glob takes its files sorted by path, and a folder those with a known ending', async () => {
    for (const [name, id] of [
      ['b', 2],
      ['a', 1],
      ['sub/c', 3],
    ])
      put(`many/${name}.csv`, `id\n${id}\n`);
    put('many/_metadata.csv', 'id\n9\n');
    put('many/.hidden.csv', 'id\n9\n');
    put('many/readme.txt', 'no data');
    expect((await read('many/*.csv')).rows.map(({ id }) => id)).toEqual(['1', '2']);
    expect((await read('many/**/*.csv')).rows.map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect((await read('many/{a,b}.csv')).rows.map(({ id }) => id)).toEqual(['1', '2']);
    expect((await read('many')).rows.map(({ id }) => id)).toEqual(['1', '2']);
    expect((await read(join(root, 'many', '?.csv'))).rows).toHaveLength(2);
  });

  test('a name that looks like a glob but exists is that file', async () => {
    put('odd/data[1].csv', 'id\n1\n');
    expect((await read('odd/data[1].csv')).rows).toEqual([{ id: '1' }]);
  });

  test('no match names both places', async () => {
    await expect(read('absent.csv')).rejects.toThrow(
      `${join(process.cwd(), 'absent.csv')} or ${join(root, 'absent.csv')}`,
    );
    await expect(read('absent/*.csv')).rejects.toThrow('no file matches');
    mkdirSync(join(root, 'hollow'));
    await expect(read('hollow')).rejects.toThrow('holds no file that ends in .csv');
  });

  test('scenario 44: names that start with _, and other endings, are refused', async () => {
    put('_metadata.json', '[]');
    put('page.xml', '<x/>');
    put('mixed/a.csv', 'id\n');
    put('mixed/b.jsonl', '1\n');
    await expect(read('_metadata.json')).rejects.toThrow('starts with "_"');
    await expect(read('page.xml')).rejects.toThrow('does not tell its format');
    for (const [name, advice] of [
      ['page.xml', 'Set the file option "format".'],
      ['book.XLSX', 'foundry does not read workbooks'],
      ['a.csv.zip', 'foundry unpacks .gz and .zst only'],
    ] as const) {
      put(name, 'PK');
      await expect(read(name)).rejects.toMatchObject({
        code: 'CFG001',
        hint: expect.stringContaining(advice),
      });
    }
    await expect(read('mixed')).rejects.toThrow('one source has one format');
    expect((await read('mixed', { format: 'jsonl' })).rows).toEqual([{ value: 1n }]);
  });

  test('the plan lists files and sizes, and says when nothing is there', async () => {
    const file = put('planned/a.csv', 'id\n1\n');
    expect(await source('planned/a.csv').plan()).toEqual({
      description: 'csv file planned/a.csv',
      inputs: [{ path: file, sizeBytes: 5 }],
    });
    const plan = await source('planned/{date}.csv').plan();
    expect(plan.inputs).toEqual([]);
    expect(plan.problem).toContain('no file matches');
  });
});

describe('delimited files', () => {
  test('scenario 43: columns and limit_rows', async () => {
    put('s43.csv', 'id,name,value\n1,foo,10\n2,bar,20\n');
    const { columns, rows } = await read('s43.csv', { limitRows: 1, columns: ['id', 'name'] });
    expect(columns).toEqual(['id string', 'name string']);
    expect(rows).toEqual([{ id: '1', name: 'foo' }]);
  });

  test('scenario 44: without a header, fieldnames are required', async () => {
    put('bare.tsv', '1\tx\n2\ty\n');
    await expect(read('bare.tsv', { hasHeader: false })).rejects.toThrow('fieldnames');
    const { rows } = await read('bare.tsv', { hasHeader: false, fieldnames: ['n', 't'] });
    expect(rows).toEqual([
      { n: '1', t: 'x' },
      { n: '2', t: 'y' },
    ]);
  });

  test('scenario 27: files with differing columns give their union', async () => {
    put('union/a.csv', 'id,a\n1,x\n');
    put('union/b.csv', 'b,id\ny,2\n');
    const { columns, rows } = await read('union');
    expect(columns).toEqual(['id string', 'a string', 'b string']);
    expect(rows).toEqual([
      { id: '1', a: 'x', b: null },
      { id: '2', a: null, b: 'y' },
    ]);
  });

  test('cells are text, empty ones NULL, and null_values adds spellings', async () => {
    put('nulls.csv', 'a,b,c\n007,NA,""\nNA,, x \n');
    expect((await read('nulls.csv', { nullValues: ['NA'] })).rows).toEqual([
      { a: '007', b: null, c: null },
      { a: null, b: null, c: ' x ' },
    ]);
  });

  test('a map types the columns it names, and a misfit is named with its place', async () => {
    const types = { id: parseType('int64')!, at: parseType('timestamptz')! };
    put('typed.csv', 'id,at,t\n1,2024-01-01T00:00:00Z,1\n,,\n');
    const { columns, rows } = await read('typed.csv', { types });
    expect(columns).toEqual(['id int64', 'at timestamptz', 't string']);
    expect(rows[0]).toEqual({ id: 1n, at: 1704067200000000n, t: '1' });
    const file = put('misfit.csv', `id,at\n1,\n"2\n",\n`);
    await expect(read('misfit.csv', { types })).rejects.toThrow(
      `${file}:3: column "id": "2\\n" is not exactly an int64`,
    );
    await expect(read('typed.csv', { types: { idd: types.id } })).rejects.toThrow('did you mean "id"');
  });

  test('infer decides on every row of every file', async () => {
    put('infer/a.csv', 'id,zip,price\n1,01234,1.10\n');
    put('infer/b.csv', 'id,zip,price\n2,99999,2.25\n');
    const { columns, rows } = await read('infer', { types: 'infer' });
    expect(columns).toEqual(['id int64', 'zip string', 'price decimal(3,2)']);
    expect(rows[0]).toEqual({ id: 1n, zip: '01234', price: 110n });
  });

  test('ragged rows are named with their line and both counts', async () => {
    const file = put('ragged.csv', 'a,b\n"1\n1",2\n3\n');
    await expect(read('ragged.csv')).rejects.toThrow(`${file}:4: expected 2 cells, found 1 cell`);
    put('ragged2.csv', 'a,b\n1,2,3\n');
    await expect(read('ragged2.csv')).rejects.toThrow(':2: expected 2 cells, found 3 cells');
  });

  test('headers: repeated names are refused, empty ones numbered, fieldnames replace them', async () => {
    put('twice.csv', 'a,b,a\n1,2,3\n');
    await expect(read('twice.csv')).rejects.toThrow('"a" stands twice');
    expect((await read('twice.csv', { fieldnames: ['x', 'y', 'z'] })).rows).toEqual([
      { x: '1', y: '2', z: '3' },
    ]);
    await expect(read('twice.csv', { fieldnames: ['x'] })).rejects.toThrow('its header has 3 columns');
    put('unnamed.csv', 'a,,c\n1,2,3\n');
    const unnamed = await read('unnamed.csv');
    expect(unnamed.rows).toEqual([{ a: '1', column_2: '2', c: '3' }]);
    expect(unnamed.warnings).toHaveLength(1);
  });

  test('a projected column that is missing lands as NULLs, with a warning', async () => {
    put('projected.csv', 'id,name\n1,x\n');
    const { columns, rows, warnings } = await read('projected.csv', {
      columns: ['nam', 'id'],
      types: 'infer',
    });
    expect(columns).toEqual(['nam string', 'id int64']);
    expect(rows).toEqual([{ nam: null, id: 1n }]);
    expect(warnings[0]).toContain('did you mean "name"');
  });

  test("Excel's line about the delimiter is refused as what it is, whatever the delimiter", async () => {
    put('excel.csv', 'sep=;\nid;name\n1;a\n');
    for (const delimiter of [',', ';']) {
      const refused = read('excel.csv', { delimiter });
      await expect(refused).rejects.toThrow(`its first line is Excel's "sep=", which is no header`);
    }
    put('plain.csv', 'sep=,id\nx,1\n');
    expect((await batches(source('plain.csv'))).at(0)?.schema.fields[0]?.name).toBe('sep=');
  });

  test('a header without rows gives the schema, an empty file is an error', async () => {
    put('header.csv', 'id,name\n');
    const found = await batches(source('header.csv'));
    expect(found).toHaveLength(1);
    expect(found[0]?.length).toBe(0);
    expect(found[0]?.schema.fields.map(({ name }) => name)).toEqual(['id', 'name']);
    put('void.csv', '');
    await expect(read('void.csv')).rejects.toThrow('is empty: it has no header line');
  });

  test('a file that changes between two passes is an error, never half of each', async () => {
    const file = put('moving.csv', 'id\n1\n');
    const opened = source('moving.csv');
    await opened.plan();
    appendFileSync(file, '2\n');
    await expect(batches(opened)).rejects.toThrow('changed by another program');
    const touched = put('touched.csv', `id\n${'1\n'.repeat(30_000)}`);
    const reading = source('touched.csv').read({ signal })[Symbol.asyncIterator]();
    await reading.next();
    utimesSync(touched, new Date(), new Date(0));
    await expect(
      (async () => {
        while (!(await reading.next()).done);
      })(),
    ).rejects.toThrow('changed by another program');
  });

  test('progress adds up to the size of the file, gzip or not', async () => {
    const bytes = gzipSync(`id\n${'12345\n'.repeat(100_000)}`);
    put('progress.csv.gz', bytes);
    let consumed = 0;
    let rows = 0;
    const onBytes = (count: number): void => {
      consumed += count;
    };
    for await (const batch of source('progress.csv.gz', { types: 'infer' }).read({ signal, onBytes })) {
      rows += batch.length;
      expect(batch.length).toBeLessThanOrEqual(8192);
    }
    expect([consumed, rows]).toEqual([bytes.length, 100_000]);
  });
});

describe('JSON files', () => {
  test('numbers keep their digits, nested values land as JSON, missing ones as NULL', async () => {
    put('r.jsonl', '{"id": 9007199254740993, "x": {"a": [1.10]}}\n\n{"id": 1, "price": 0.1, "x": null}\n');
    const { columns, rows } = await read('r.jsonl');
    expect(columns).toEqual(['id int64', 'x json', 'price double']);
    expect(rows).toEqual([
      { id: 9007199254740993n, x: '{"a":[1.10]}', price: null },
      { id: 1n, x: null, price: 0.1 },
    ]);
  });

  test('columns of only null, and of mixed kinds, are kept as text', async () => {
    put('m.json', '[{"n": null, "m": 1.0}, {"n": null, "m": "1"}, {"m": true}, {"m": [1]}]');
    const { columns, rows } = await read('m.json');
    expect(columns).toEqual(['n string', 'm string']);
    expect(rows.map(({ m }) => m)).toEqual(['1.0', '1', 'true', '[1]']);
  });

  test('scenario 45: records that are no objects land in the column "value"', async () => {
    put('e.json', '{"envelope": {"items": [10, 20]}}');
    const { columns, rows } = await read('e.json', { jsonPath: 'envelope.items' });
    expect(columns).toEqual(['value int64']);
    expect(rows).toEqual([{ value: 10n }, { value: 20n }]);
    await expect(read('e.json', { jsonPath: 'envelope.rows' })).rejects.toThrow(
      'has nothing at json_path "envelope.rows"',
    );
  });

  test('several files share one schema', async () => {
    put('js/a.jsonl', '{"id": 1}\n');
    put('js/b.jsonl', '{"id": 1.5, "b": true}\n');
    const { columns, rows } = await read('js');
    expect(columns).toEqual(['id double', 'b boolean']);
    expect(rows).toEqual([
      { id: 1, b: null },
      { id: 1.5, b: true },
    ]);
  });

  test('types, columns and limit_rows apply', async () => {
    put('t.jsonl', '{"d": "2024-01-01", "p": 12.50, "q": 1}\n{"d": "never", "p": 1}\n');
    const types = { d: parseType('date')!, p: parseType('decimal(10,2)')! };
    const { columns, rows } = await read('t.jsonl', { types, columns: ['p', 'd', 'zz'], limitRows: 1 });
    expect(columns).toEqual(['p decimal(10,2)', 'd date', 'zz string']);
    expect(rows).toEqual([{ p: 1250n, d: 19723, zz: null }]);
    await expect(read('t.jsonl', { types })).rejects.toThrow(
      't.jsonl:2: column "d": "never" is not exactly a date',
    );
    await expect(read('t.jsonl', { types: { x: types.d } })).rejects.toThrow('has no column "x"');
  });

  test('bad records are named with their line', async () => {
    put('bad.jsonl', '{"a": 1}\n\n{"a": 1\n');
    await expect(read('bad.jsonl')).rejects.toThrow('bad.jsonl:3: not a JSON value');
    put('dup.jsonl', '{"a": 1}\n{"a": 1, "a": 2}\n');
    await expect(read('dup.jsonl')).rejects.toThrow('dup.jsonl:2: the name "a" stands twice');
    put('nameless.jsonl', '{"a": 1, "": 2}\n');
    await expect(read('nameless.jsonl')).rejects.toThrow('the name of column 2 is empty');
    expect((await read('nameless.jsonl', { columns: ['a'] })).rows).toEqual([{ a: 1n }]);
    put('hollow.jsonl', '{}\n{}\n');
    await expect(read('hollow.jsonl')).rejects.toThrow('none of its 2 records has a member');
  });

  test('no records give nothing', async () => {
    put('none.jsonl', '\n\n');
    put('none.json', '[]');
    expect(await batches(source('none.jsonl'))).toEqual([]);
    expect(await batches(source('none.json'))).toEqual([]);
  });

  test('a member named __proto__ is a column like any other', async () => {
    put('proto.jsonl', '{"__proto__": 1, "constructor": 2}\n');
    expect((await read('proto.jsonl')).columns).toEqual(['__proto__ int64', 'constructor int64']);
  });
});

describe('input for the engine', () => {
  const lines = (count: number, newline = '\n'): string =>
    Array.from({ length: count }, (_, i) => `${i},"name, ${i}",${'x'.repeat(40)}`).join(newline);

  test('large regular CSV is described, with its own count of records', async () => {
    const file = put('engine/a.csv', `id,name,pad\n${lines(70_000)}\n\n`);
    const input = await source('engine/a.csv', { columns: ['name'], nullValues: ['NA'] }).engineInput?.({
      signal,
    });
    expect(input).toEqual({
      format: 'csv',
      files: [file],
      columns: ['name'],
      delimiter: ',',
      quote: '"',
      hasHeader: true,
      names: ['id', 'name', 'pad'],
      nullValues: ['NA'],
      types: 'text',
      rows: 70_000,
      longestRecordBytes: 61,
    });
  });

  const NOT_FOR_THE_ENGINE: readonly [string, string | Uint8Array, Partial<FileSourceSpec>, string?][] = [
    ['small', 'id,name\n1,2\n', {}],
    ['packed', gzipSync(`id,name,pad\n${lines(70_000)}`), {}, 'csv.gz'],
    ['of mixed line ends', `id,name,pad\r\n${lines(70_000)}`, {}],
    ['with stray quotes', `id,name,pad\n${lines(70_000)}\n1,5" pipe,z`, {}],
    ['with a broken quote, whose line the row reader names', `id,name,pad\n${lines(70_000)}\n1,"x`, {}],
    ['of one column', `id\n${'1234567\n'.repeat(600_000)}`, {}],
    ['limited', `id,name,pad\n${lines(70_000)}`, { limitRows: 5 }],
    ['with JSON', `id,name,pad\n${lines(70_000)}`, { types: { id: { kind: 'json' } } }],
    ['with a long delimiter', `id||name||pad\n${lines(70_000)}`, { delimiter: '||' }],
  ];
  for (const [name, content, spec, extension = 'csv'] of NOT_FOR_THE_ENGINE) {
    test(`a file ${name} is left to the row reader`, async () => {
      put(`left/${name.slice(0, 12)}.${extension}`, content);
      expect(
        await source(`left/${name.slice(0, 12)}.${extension}`, spec).engineInput?.({ signal }),
      ).toBeUndefined();
    });
  }

  test('Parquet is for the engine only, and is looked at for being whole', async () => {
    const file = put('p/a.parquet', 'PAR1 something PAR1');
    expect(await source('p/a.parquet', { limitRows: 3 }).engineInput?.({ signal })).toEqual({
      format: 'parquet',
      files: [file],
      limitRows: 3,
    });
    put('p/cut.parquet', 'PAR1 something');
    await expect(source('p/cut.parquet').engineInput?.({ signal })).rejects.toThrow('ends early');
    put('p/no.parquet', 'id,name\n1,2\n3,4\n');
    await expect(source('p/no.parquet').engineInput?.({ signal })).rejects.toThrow('is not a Parquet file');
  });
});
