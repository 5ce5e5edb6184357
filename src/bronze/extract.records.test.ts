import { expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { FileSourceSpec } from '../config/spec.ts';
import { systemClock } from '../core/clock.ts';
import { noProgress, silentLog } from '../core/log.ts';
import { formatType } from '../core/schema.ts';
import { engineLimits } from '../engine/limits.ts';
import { openRecords } from '../sources/records.ts';
import type { Source } from '../sources/source.ts';
import { expectSame, naiveMembers, recordPages } from '../testing/json-oracle.ts';
import { queryDuckdb } from '../testing/parquet.ts';
import { extract } from './extract.ts';

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

test('any records on any pages land in Parquet and CSV, and another reader finds them digit by digit', async () => {
  await fc.assert(
    fc.asyncProperty(recordPages, fc.integer({ min: 1, max: 12 }), async (pages, window) => {
      const texts = pages.flat();
      fc.pre(texts.some((text) => !/^\{\s*\}$/.test(text)));
      const folder = await mkdtemp(join(tmpdir(), 'foundry-records-'));
      try {
        const { schema, rows, parts } = await land(pages, window, folder);
        expect(rows).toBe(texts.length);
        // As readers do it that take the columns of one file for those of all.
        const columns = schema.fields.map(
          ({ name, type }, at) => `${quoted(name)}${type.kind === 'decimal' ? '::VARCHAR' : ''} AS c${at}`,
        );
        const files = parts.filter(({ format }) => format === 'parquet').map(({ file }) => `'${file}'`);
        const from = `read_parquet([${files.join(', ')}], file_row_number = true)`;
        const found = await queryDuckdb(
          `SELECT ${columns.join(', ')} FROM ${from} ORDER BY file_index, file_row_number`,
        );
        for (const [index, text] of texts.entries()) {
          const members = naiveMembers(text);
          for (const [at, { name, type }] of schema.fields.entries()) {
            expectSame(members.get(name), found[index]?.[`c${at}`], formatType(type));
          }
        }
        const texted = parts.filter(({ format }) => format === 'csv').map(({ file }) => `'${file}'`);
        const names = schema.fields.map(({ name }) => `'${name.replaceAll("'", "''")}': 'VARCHAR'`);
        const [csv] = await queryDuckdb(
          `SELECT count(*) AS n FROM read_csv([${texted.join(', ')}], auto_detect = false, header = true, delim = ',', quote = '"',
             escape = '"', nullstr = '', allow_quoted_nulls = false, columns = {${names.join(', ')}})`,
        );
        expect(csv).toEqual({ n: BigInt(texts.length) });
      } finally {
        await rm(folder, { recursive: true });
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);

async function land(pages: readonly (readonly string[])[], window: number, spool: string) {
  async function* blocks() {
    for (const [index, texts] of pages.entries()) {
      yield { origin: `page ${index + 1}`, texts: texts.map((text, at) => ({ text, line: at + 1 })) };
    }
  }
  const records = openRecords(blocks(), {
    name: 'the API',
    place: (origin, line) => `${origin}, record ${line}`,
    warn() {},
    window: { rows: window, chars: 1e9 },
  });
  const source: Source = {
    plan: async () => ({ description: 'an API', inputs: [] }),
    read: (request) => records.batches(request),
  };
  return extract(
    {
      enabled: true,
      system: 's',
      table: 't',
      source: {} as FileSourceSpec,
      loadPattern: 'full',
      base: spool,
      partition: { strategy: 'date', timezone: 'UTC' },
      formats: { parquet: true, csv: true, compression: 'snappy' },
      maxRowsPerFile: 7,
      allowEmpty: false,
    },
    source,
    spool,
    {
      runDate: { date: '2025-01-01' },
      limits: engineLimits({ memoryBytes: 300e6, threads: 1 }),
      signal: new AbortController().signal,
      clock: systemClock,
      log: silentLog,
      progress: noProgress,
    },
  );
}
