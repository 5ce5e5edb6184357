import { describe, expect, test } from 'bun:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pythonWithPyarrow, runPyarrow } from '../testing/parquet.ts';
import { duckdb, quote } from './readers.ts';
import {
  BRONZE,
  classic,
  DATE,
  expectExit,
  INTENT_SILVER,
  intent,
  jsonl,
  runFoundry,
  scenario,
  type Workspace,
} from './support.ts';

async function land(w: Workspace, file: object, exitCode = 0, run = {}) {
  await w.put('a.yaml', classic({ file: { ...file }, run }));
  const { document } = await w.json(exitCode, 'bronze', '--config', 'a.yaml', '--date', DATE);
  return document;
}

async function landed(w: Workspace, file: object) {
  const [report] = (await land(w, file)).reports;
  const parts = quote(w.path(BRONZE, '*.parquet'));
  return {
    report,
    rows: await duckdb(`SELECT COLUMNS(*)::VARCHAR FROM read_parquet(${parts}, hive_partitioning=false)`),
  };
}

const ROWS = [
  { id: '1', v: 'a' },
  { id: '2', v: 'é€' },
];
const CSV = 'id,v\n1,a\n2,é€\n';

describe('packed files', () => {
  const JSON_LINES = jsonl(...ROWS);
  const CONTENT: Readonly<Record<string, string>> = {
    csv: CSV,
    tsv: CSV.replaceAll(',', '\t'),
    jsonl: JSON_LINES,
    ndjson: JSON_LINES,
    json: JSON.stringify(ROWS),
  };
  test(
    'zstd and gzip give the rows of the file that was packed, in every text format',
    scenario(async (w) => {
      for (const [extension, content] of Object.entries(CONTENT)) {
        await w.put(`in.${extension}.zst`, zstdCompressSync(content));
        await w.put(`in.${extension}.gz`, gzipSync(content));
        for (const suffix of ['zst', 'gz']) {
          const { rows } = await landed(w, { path: `in.${extension}.${suffix}` });
          expect(rows).toEqual(ROWS);
        }
      }
    }),
    60_000,
  );

  test(
    'a zstd file that is cut short, even between its frames, lands nothing',
    scenario(async (w) => {
      const frames = [CSV, '3,c\n'].map((text) => zstdCompressSync(text));
      await w.put('in.csv.zst', Buffer.concat(frames));
      expect((await landed(w, { path: 'in.csv.zst' })).rows).toHaveLength(3);
      const before = await w.snapshot('output');
      for (const lost of [1, 4, frames[1]!.length - 2]) {
        const whole = Buffer.concat(frames);
        await w.put('in.csv.zst', whole.subarray(0, whole.length - lost));
        const { errors } = await land(w, { path: 'in.csv.zst' }, 3);
        expect(errors).toMatchObject([
          { code: 'DATA001', message: expect.stringContaining('in.csv.zst ends early') },
        ]);
      }
      expect(await w.snapshot('output')).toEqual(before);
    }),
  );
});

describe('encodings', () => {
  const MARKED = `\ufeff${CSV}`;
  const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
  const WRITTEN: readonly [string, Uint8Array][] = [
    ['utf-16', Buffer.from(MARKED, 'utf16le')],
    ['UTF-16', utf16be(MARKED)],
    ['utf-16le', Buffer.from(CSV, 'utf16le')],
    ['utf_16_be', utf16be(CSV)],
    ['cp1252', Buffer.from('id,v\n1,a\n2,\xe9\x80\n', 'latin1')],
  ];

  test(
    'text of another encoding gives the rows that it would give as UTF-8',
    scenario(async (w) => {
      for (const [encoding, bytes] of WRITTEN) {
        await w.put('in.csv', bytes);
        expect((await landed(w, { path: 'in.csv', encoding })).rows).toEqual(ROWS);
      }
      await w.put('in.csv', Buffer.from('id,v\n1,a\n2,\xe9\x80\n', 'latin1'));
      expect((await landed(w, { path: 'in.csv', encoding: 'iso-8859-1' })).rows[1]).toEqual({
        id: '2',
        v: 'é\u0080',
      });
      await w.put('in.jsonl', Buffer.from(`\ufeff${jsonl(...ROWS)}`, 'utf16le'));
      expect((await landed(w, { path: 'in.jsonl', encoding: 'utf-16' })).rows).toEqual(ROWS);
      await w.put('in.json.zst', zstdCompressSync(utf16be(JSON.stringify(ROWS))));
      expect((await landed(w, { path: 'in.json.zst', encoding: 'utf-16be' })).rows).toEqual(ROWS);
    }),
    60_000,
  );

  test(
    'a large file of another encoding lands row by row, with the lines of its own text in errors',
    scenario(async (w) => {
      const lines = Array.from({ length: 200_000 }, (_, i) => `${i},"é\n${i}"\n`);
      await w.put('in.csv', Buffer.from(`\ufeffid,v\n${lines.join('')}`, 'utf16le'));
      const { report, rows } = await landed(w, { path: 'in.csv', encoding: 'utf-16' });
      expect([report.lane, rows.length, rows.at(-1)]).toEqual([
        'rows',
        200_000,
        { id: '199999', v: 'é\n199999' },
      ]);
      lines[150_000] = 'x,"é"\n';
      await w.put('in.csv', Buffer.from(`id,v\n${lines.join('')}`, 'utf16le'));
      const { errors } = await land(w, { path: 'in.csv', encoding: 'utf-16le', types: { id: 'int64' } }, 3);
      expect(errors[0]?.message).toInclude('in.csv:300002: column "id"');
      const half = Buffer.from('id,v\n1,a\n2,\ud83d\n', 'utf16le');
      await w.put('in.csv', half);
      const cut = await land(w, { path: 'in.csv', encoding: 'utf-16le' }, 3);
      expect(cut.errors[0]?.message).toInclude('in.csv:3: holds half of a surrogate pair');
    }),
    60_000,
  );

  test(
    'an encoding that foundry does not read is a mistake in the config',
    scenario(async (w) => {
      await w.put('in.csv', CSV);
      const { errors } = await land(w, { path: 'in.csv', encoding: 'ebcdic' }, 2);
      expect(errors[0]).toMatchObject({
        code: 'CFG001',
        message: expect.stringContaining('it reads utf-8, utf-16'),
      });
    }),
  );
});

const WRITE_NESTED = `
import sys, decimal, datetime, pyarrow as pa, pyarrow.parquet as pq
T = pa.list_(pa.struct([('id', pa.int64()), ('price', pa.decimal128(38, 10)), ('tags', pa.map_(pa.string(), pa.list_(pa.float64())))]))
rows = [
  [{'id': 9007199254740993, 'price': decimal.Decimal('1234567890123456789012345678.0123456789'), 'tags': [('a"b', [0.1, None, float('nan')])]}],
  [], None, [None, {'id': None, 'price': None, 'tags': []}],
]
day = datetime.datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=datetime.timezone.utc)
at = pa.array([{'d': day.date(), 't': day, 'b': b'\\x00\\xff'}] * 4, pa.struct([('d', pa.date32()), ('t', pa.timestamp('us', 'UTC')), ('b', pa.binary())]))
table = pa.table({'n': pa.array([1, 2, 3, 4], pa.int64()), 'items': pa.array(rows, T), 'at': at})
# Names of the nodes within lists as the standard has them, and as older writers do.
pq.write_table(table, 'nested.parquet', flavor='spark' if sys.argv[1] == 'spark' else None, use_compliant_nested_type=sys.argv[1] != 'old', use_deprecated_int96_timestamps=False, row_group_size=2)
print('null')
`;

describe('nested Parquet', () => {
  const AT = '{"d":"2024-02-29","t":"2024-02-29T12:30:00.123456Z","b":"AP8="}';
  const ITEMS = [
    '[{"id":9007199254740993,"price":1234567890123456789012345678.0123456789,"tags":{"a\\"b":[0.1,null,"NaN"]}}]',
    '[]',
    null,
    '[null,{"id":null,"price":null,"tags":{}}]',
  ];
  const NESTED = ITEMS.map((items, i) => ({ n: String(i + 1), items, at: AT }));

  test.skipIf(pythonWithPyarrow() === undefined)(
    'lands as JSON text that keeps every digit, whoever wrote it, as Parquet and as CSV',
    scenario(async (w) => {
      for (const writer of ['standard', 'spark', 'old']) {
        await runPyarrow(
          WRITE_NESTED.replace("'nested.parquet'", JSON.stringify(w.path('nested.parquet'))),
          writer,
        );
        const { report, rows } = await landed(w, { path: 'nested.parquet' });
        expect([report.lane, rows]).toEqual(['engine', NESTED]);
      }
      const manifest = await w.read(`${BRONZE}/_metadata.json`);
      expect(manifest.schema).toEqual([
        { name: 'n', type: 'int64' },
        { name: 'items', type: 'json' },
        { name: 'at', type: 'json' },
      ]);
      await land(w, { path: 'nested.parquet' }, 0, { write_csv: true, write_parquet: false });
      const csv = quote(w.path(BRONZE, '*.csv'));
      expect(
        await duckdb(
          `SELECT * FROM read_csv(${csv}, all_varchar=true, allow_quoted_nulls=false, hive_partitioning=false)`,
        ),
      ).toEqual(NESTED);
    }),
    60_000,
  );
});

test(
  'a large typed CSV lands through the engine with the types and values that row by row gives',
  scenario(async (w) => {
    const line = (i: number): string =>
      `${i},${(i / 100).toFixed(2)},${i / 8},${i % 2 === 0},2024-02-${10 + (i % 20)},2024-02-10 00:00:${10 + (i % 50)},"t, ${i}",\n`;
    const content = `id,d,f,b,day,at,t,n\n${Array.from({ length: 90_000 }, (_, i) => line(i)).join('')}`;
    await w.put('in.csv', content);
    await w.put('in.csv.gz', gzipSync(content));
    const map = {
      id: 'int32',
      d: 'decimal(20,3)',
      f: 'double',
      b: 'boolean',
      day: 'date',
      at: 'timestamp',
      t: 'string',
    };
    const rowLane = new Map<string, string>();
    for (const types of ['infer', map]) {
      for (const path of ['in.csv.gz', 'in.csv']) {
        const { report, rows } = await landed(w, { path, types });
        const { schema } = await w.read(`${BRONZE}/_metadata.json`);
        const found = JSON.stringify([schema, rows.map((row) => Object.values(row))]);
        const other = rowLane.get(JSON.stringify(types));
        rowLane.set(JSON.stringify(types), found);
        expect([report.lane, report.rows]).toEqual([path === 'in.csv' ? 'engine' : 'rows', 90_000]);
        expect(other === undefined || other === found).toBe(true);
      }
    }
    await w.put('in.csv', `${content}x,0.00,0,true,2024-02-10,2024-02-10 00:00:00,t,\n`);
    const { errors } = await land(w, { path: 'in.csv', types: map }, 3);
    expect(errors[0]?.message).toEndWith('in.csv:90002: column "id": "x" is not exactly an int32');
  }),
  60_000,
);

describe('rows that do not fit their declared types', () => {
  const TYPES = { id: 'int64', amount: 'decimal(6,2)' };
  const ROWS_WITH_MISFITS = 'id,amount,note\n1,1.50,a\nx,2.00,"b\nb"\n3,3.005,c\n4,,d\n5,NA,e\n';
  const config = (errorHandling: object | undefined, file: object = {}): object =>
    classic({
      file: { path: 'in.csv', types: TYPES, ...file },
      ...(errorHandling === undefined
        ? {}
        : { silver: { primary_keys: ['id'], error_handling: errorHandling } }),
    });
  const run = async (w: Workspace, errorHandling: object | undefined, exitCode: number, file?: object) => {
    await w.put('a.yaml', config(errorHandling, file));
    return (await w.json(exitCode, 'bronze', '--config', 'a.yaml', '--date', DATE)).document;
  };
  const quarantine = async (w: Workspace): Promise<unknown[]> => {
    const names = (await w.files(BRONZE)).filter((name) => name.startsWith('_quarantine/'));
    expect(names).toEqual([expect.stringMatching(/^_quarantine\/rejected-[0-9a-f]{8}\.jsonl$/)]);
    const text = await Bun.file(w.path(BRONZE, names[0] ?? '')).text();
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  };

  test(
    'are kept aside as they stood, with why and where, and counted, where error handling is on',
    scenario(async (w) => {
      await w.put('in.csv', ROWS_WITH_MISFITS);
      const [report] = (await run(w, { enabled: true, max_bad_records: 3 }, 0)).reports;
      const reasons = {
        'value does not fit type decimal(6,2) in column amount': 2,
        'value does not fit type int64 in column id': 1,
      };
      expect(report).toMatchObject({ rows: 2, quarantined: 3, quarantine_reasons: reasons });
      expect(await quarantine(w)).toEqual([
        {
          id: 'x',
          amount: '2.00',
          note: 'b\nb',
          _reason: 'value does not fit type int64 in column id',
          _source_file: w.path('in.csv'),
          _source_row: 3,
        },
        expect.objectContaining({ id: '3', amount: '3.005', _source_row: 5 }),
        expect.objectContaining({ id: '5', amount: 'NA', _source_row: 7 }),
      ]);
      const manifest = await w.read(`${BRONZE}/_metadata.json`);
      expect(manifest).toMatchObject({ record_count: 2, quarantined_rows: 3, quarantine_reasons: reasons });
      expect(manifest.files.map((file: { role: string }) => file.role).sort()).toEqual([
        'data',
        'quarantine',
      ]);
      const before = await w.snapshot(BRONZE);
      expect((await run(w, { enabled: true, max_bad_records: 3 }, 0)).reports[0].status).toBe('unchanged');
      const data = Object.entries(before).filter(([name]) => !name.includes('.json'));
      expect(await w.snapshot(BRONZE)).toMatchObject(Object.fromEntries(data));
      const { reports } = (await w.json(0, 'silver', '--config', 'a.yaml', '--date', DATE)).document;
      expect(reports[0].rows).toMatchObject({ read: 2 });
    }),
  );

  test(
    'refuse the run where there are too many, or error handling is off, and nothing is replaced',
    scenario(async (w) => {
      await w.put('in.csv', 'id,amount,note\n1,1.50,a\n');
      await run(w, { enabled: true, max_bad_records: 1, max_bad_percent: 50 }, 0);
      const before = await w.snapshot('output');
      await w.put('in.csv', ROWS_WITH_MISFITS);
      const tooMany = await run(w, { enabled: true, max_bad_records: 1, max_bad_percent: 50 }, 3);
      expect(tooMany.errors[0]?.code).toBe('QUAL001');
      expect(tooMany.errors[0]?.message).toStartWith('3 of 5 rows cannot be landed; the first is ');
      expect(tooMany.errors[0]?.message).toEndWith(
        'in.csv:3: value does not fit type int64 in column id (id: "x")',
      );
      expect((await run(w, { enabled: true }, 3)).errors[0]?.code).toBe('QUAL001');
      expect((await run(w, { enabled: false, max_bad_records: 9 }, 3)).errors[0]?.code).toBe('DATA001');
      expect(await w.snapshot('output')).toEqual(before);
      await run(w, { enabled: true, max_bad_records: 1, max_bad_percent: 60 }, 0);
      expect(await quarantine(w)).toHaveLength(3);
    }),
  );

  test(
    'in JSON Lines, and in a large CSV that the engine would take, are kept aside too',
    scenario(async (w) => {
      await w.put('in.jsonl', '{"id":1,"amount":1.5}\n{"id":"x","note":null,"amount":[1]}\n');
      const allowed = { enabled: true, max_bad_records: 1 };
      const small = await run(w, allowed, 0, { path: 'in.jsonl' });
      expect(small.reports[0]).toMatchObject({ rows: 1, quarantined: 1 });
      expect(await quarantine(w)).toMatchObject([{ id: 'x', note: null, amount: '[1]', _source_row: 2 }]);
      const lines = Array.from({ length: 200_000 }, (_, i) => `${i},${i % 9999}.25,some note\n`).join('');
      await w.put('in.csv', `id,amount,note\n${lines}`);
      expect((await run(w, allowed, 0)).reports[0]).toMatchObject({ lane: 'engine', quarantined: 0 });
      await w.put('in.csv', `id,amount,note\n${lines}x,1,z\n`);
      const large = await run(w, allowed, 0);
      expect(large.reports[0]).toMatchObject({ lane: 'rows', rows: 200_000, quarantined: 1 });
      expect(await quarantine(w)).toMatchObject([{ id: 'x', note: 'z', _source_row: 200_002 }]);
    }),
    60_000,
  );

  test(
    'are kept aside in the Bronze of an intent too',
    scenario(async (w) => {
      await w.put('in.csv', ROWS_WITH_MISFITS);
      const silver = {
        entity_kind: 'state',
        history_mode: 'scd1',
        natural_keys: ['id'],
        change_ts_column: 'note',
        attributes: ['amount'],
        error_handling: { enabled: true, max_bad_records: 9 },
      };
      await w.put('a.yaml', intent({ options: { file: { types: { id: 'int64' } } }, silver }));
      const { reports } = (await w.json(0, 'bronze', '--config', 'a.yaml', '--date', DATE)).document;
      expect(reports[0]).toMatchObject({ rows: 4, quarantined: 1 });
      expect(await quarantine(w)).toHaveLength(1);
    }),
  );
});

test(
  'a file whose name holds what a pattern is made of is read itself, by either lane, and not what it would match',
  scenario(async (w) => {
    const names = ['data1', 'data[1]', 'data?', 'data*', 'data[!x]'];
    for (const name of names) {
      const rows = `SELECT i AS id, '${name}' AS v, repeat('x', 60) AS w FROM range(80000) t(i)`;
      await w.put(`csv/${name}.csv`, '');
      await w.put(`parquet/${name}.parquet`, '');
      await duckdb(`COPY (${rows}) TO ${quote(w.path('csv', `${name}.csv`))} (FORMAT csv, HEADER)`);
      await duckdb(`COPY (${rows} LIMIT 10) TO ${quote(w.path('parquet', `${name}.parquet`))}`);
    }
    const parts = quote(w.path(BRONZE, '*.parquet'));
    const found = () =>
      duckdb(`SELECT v, count(*)::INTEGER AS n FROM read_parquet(${parts}) GROUP BY v ORDER BY v`);
    for (const [format, n] of [
      ['csv', 80_000],
      ['parquet', 10],
    ] as const) {
      const [report] = (await land(w, { path: format })).reports;
      expect(report).toMatchObject({ status: 'complete', lane: 'engine' });
      expect(await found()).toEqual([...names].sort().map((v) => ({ v, n })));
      await land(w, { path: `${format}/data[1].${format}` });
      expect(await found()).toEqual([{ v: 'data[1]', n }]);
    }
  }),
  60_000,
);

describe('a folder v=… above is no column', () => {
  const columns = async (w: Workspace, folder: string): Promise<unknown> => {
    const files = quote(w.path(`${folder}/*.parquet`));
    return duckdb(
      `SELECT v, count(*)::INTEGER AS n FROM read_parquet(${files}, hive_partitioning=false) GROUP BY v ORDER BY v`,
    );
  };
  const EACH = ['a', 'b'].map((v) => ({ v, n: 40_000 }));

  test(
    'of a source, of the lake, of its parts',
    scenario(async (w) => {
      await w.put('v=x/in.csv', '');
      const rows = `SELECT i AS id, ['a', 'b'][1 + i % 2] AS v, repeat('x', 60) AS w FROM range(80000) t(i)`;
      await duckdb(`COPY (${rows}) TO ${quote(w.path('v=x/in.csv'))} (FORMAT csv, HEADER)`);
      const [report] = (await land(w, { path: 'v=x/in.csv' })).reports;
      expect(report).toMatchObject({ status: 'complete', lane: 'engine' });
      expect(await columns(w, BRONZE)).toEqual(EACH);

      const lake = (at: string, run: Readonly<Record<string, unknown>>) =>
        w.put(
          'a.yaml',
          classic({ file: { path: 'v=x/in.csv', types: 'infer' }, run, bronze: { local_path: at } }),
        );
      for (const run of [{}, { max_rows_per_file: 30_000 }]) {
        await lake('./v=1/output', run);
        await w.json(0, 'bronze', '--config', 'a.yaml', '--date', DATE);
        expect(await columns(w, `v=1/${BRONZE}`)).toEqual(EACH);
      }
    }),
    60_000,
  );

  test(
    'of CSV that show and Silver read, nor of the statement that show gives',
    scenario(async (w) => {
      await w.put('v=x/in.csv', 'id,v,system\n1,a,one\n2,b,two\n');
      const silver = {
        entity_kind: 'state',
        history_mode: 'scd1',
        natural_keys: ['id'],
        change_ts_column: 'id',
        attributes: ['v', 'system'],
        partition_by: [],
      };
      await w.put('v=x/a.yaml', intent({ options: { output_formats: ['csv'] }, silver }));
      const run = ['run-intent', '--config', 'a.yaml', '--date', DATE];
      expectExit(await runFoundry(run, { cwd: w.path('v=x') }), 0);
      expect(await columns(w, `v=x/${INTENT_SILVER}`)).toEqual(['a', 'b'].map((v) => ({ v, n: 1 })));
      const bronze = w.path(`v=x/${BRONZE}`);
      const { stdout } = await w.run('show', bronze);
      expect(stdout).toMatch(/ id +v +system\n/);
      expect(stdout).toMatch(/ 2 +b +two\n/);
      const { stdout: statement } = await w.run('show', bronze, '--files', '--as', 'duckdb');
      expect(await duckdb(statement)).toEqual([
        { id: '1', v: 'a', system: 'one' },
        { id: '2', v: 'b', system: 'two' },
      ]);
    }),
  );
});
