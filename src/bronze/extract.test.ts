import { expect, test } from 'bun:test';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { BronzeSpec, FileSourceSpec } from '../config/spec.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { engineLimits } from '../engine/limits.ts';
import { openSource } from '../sources/open.ts';
import { openRecords } from '../sources/records.ts';
import type { Source } from '../sources/source.ts';
import { queryDuckdb } from '../testing/parquet.ts';
import { extract } from './extract.ts';

test('the bytes of a file that the engine declines after its scan are told once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-extract-'));
  try {
    const path = join(folder, 'in.csv');
    const lines = Array.from({ length: 200_000 }, (_, i) => `${i / 8},some longer text ${i}\n`).join('');
    // NaN is a double for the row lane, and nothing that the engine would promise.
    for (const [first, lane] of [
      ['1.5', 'engine'],
      ['NaN', 'rows'],
    ] as const) {
      await writeFile(path, `a,b\n${first},x\n${lines}`);
      const spec: FileSourceSpec = {
        type: 'file',
        path,
        configFolder: folder,
        encoding: 'utf-8',
        quote: '"',
        hasHeader: true,
        nullValues: [],
        types: { a: { kind: 'double' } },
      };
      const bronze: BronzeSpec = {
        enabled: true,
        system: 's',
        table: 't',
        source: spec,
        loadPattern: 'full',
        base: folder,
        partition: { strategy: 'date', timezone: 'UTC' },
        formats: { parquet: true, csv: false, compression: 'snappy' },
        allowEmpty: false,
      };
      let bytes = 0;
      const runDate = { date: '2025-01-01' };
      const extracted = await extract(bronze, await openSource(spec, { runDate, warn() {} }), folder, {
        runDate,
        limits: engineLimits({ memoryBytes: 300e6, threads: 1 }),
        signal: new AbortController().signal,
        clock: systemClock,
        log: silentLog,
        progress: {
          step() {},
          share() {},
          rows() {},
          bytes(count) {
            bytes += count;
          },
        },
      });
      expect([extracted.lane, extracted.rows]).toEqual([lane, 200_001]);
      expect(bytes).toBe((await stat(path)).size);
      for (const part of extracted.parts) await rm(part.file);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);

test('parts written before a column turned out wider, or appeared, are written again with the columns of the last', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-extract-'));
  try {
    const pages: readonly (readonly string[])[] = [
      Array.from({ length: 20_000 }, (_, id) => `{"id":${id},"price":1.50}`),
      Array.from({ length: 20_000 }, (_, i) => `{"id":${20_000 + i},"price":2.00}`),
      ['{"id":40000,"price":"n/a"}', '{"id":40001,"price":1e2,"late":{"x": 1.10}}'],
    ];
    async function* blocks() {
      for (const [index, texts] of pages.entries()) {
        yield { origin: `page ${index + 1}`, texts: texts.map((text, at) => ({ text, line: at + 1 })) };
      }
    }
    const records = openRecords(blocks(), {
      name: 'the API',
      place: (origin, line) => `${origin}, record ${line}`,
      warn() {},
    });
    const source: Source = {
      plan: async () => ({ description: 'an API', inputs: [] }),
      read: (request) => records.batches(request),
    };
    let told = 0;
    const extracted = await extract(
      {
        enabled: true,
        system: 's',
        table: 't',
        source: {} as FileSourceSpec,
        loadPattern: 'full',
        base: folder,
        partition: { strategy: 'date', timezone: 'UTC' },
        formats: { parquet: true, csv: true, compression: 'snappy' },
        maxRowsPerFile: 15_000,
        allowEmpty: false,
      },
      source,
      folder,
      {
        runDate: { date: '2025-01-01' },
        limits: engineLimits({ memoryBytes: 300e6, threads: 1 }),
        signal: new AbortController().signal,
        clock: systemClock,
        log: silentLog,
        progress: {
          step() {},
          share() {},
          bytes() {},
          rows(count) {
            told += count;
          },
        },
      },
    );
    expect(told).toBe(40_002);
    expect(extracted.schema.fields.map(({ name, type }) => `${name} ${type.kind}`)).toEqual([
      'id int64',
      'price string',
      'late json',
    ]);
    expect(extracted.lateColumns).toEqual([
      { column: 'late', firstPart: 'full-part-0004', firstRow: 40_002 },
    ]);
    const parts = extracted.parts.filter(({ format }) => format === 'parquet');
    expect(parts.map(({ stem, rows }) => [stem, rows])).toEqual([
      ['full-part-0001', 15_000],
      ['full-part-0002', 15_000],
      ['full-part-0003', 10_001],
      ['full-part-0004', 1],
    ]);
    expect((await readdir(folder)).sort()).toEqual(extracted.parts.map(({ file }) => basename(file)).sort());
    // As readers of one schema do it: the first file's columns are all there are.
    const [row] = await queryDuckdb(
      `SELECT count(*) AS n, sum(id)::BIGINT AS ids, min(price) FILTER (id = 0) AS first, min(price) FILTER (id = 39999) AS price,
         min(price) FILTER (id = 40001) AS last, min(late) AS late FROM read_parquet('${folder}/*.parquet.tmp')`,
    );
    expect(row).toEqual({
      n: 40_002n,
      ids: (40_001n * 40_002n) / 2n,
      first: '1.50',
      price: '2.00',
      last: '1e2',
      late: '{"x":1.10}',
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);
