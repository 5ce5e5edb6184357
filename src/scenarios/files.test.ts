import { describe, expect, test } from 'bun:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { duckdb, quote } from './readers.ts';
import { BRONZE, classic, DATE, jsonl, scenario, type Workspace } from './support.ts';

async function land(w: Workspace, file: object, exitCode = 0) {
  await w.put('a.yaml', classic({ file: { ...file } }));
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
