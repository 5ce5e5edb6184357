import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../engine/duckdb.ts';
import { copyToPart, hashFile } from '../engine/parts.ts';
import { sha256Hex } from '../lake/generation.ts';
import { joinOptions, joinSpecOf } from '../testing/join-kit.ts';
import type { ChunkDone } from './checkpoint.ts';
import { finish } from './finish.ts';

test('small chunks are put together in their order, and in the same bytes each time', async () => {
  const root = mkdtempSync(join(tmpdir(), 'foundry-join-finish-'));
  const engine = await openEngine({ memoryBytes: 400e6, threads: 4, spillFolder: root });
  try {
    const chunks: ChunkDone[] = [];
    let before = 0;
    for (let index = 0; index < 100; index += 1) {
      const count = 3500 + ((index * 7919) % 1000);
      const file = join(root, `chunk-${index}.parquet`);
      const sql = `SELECT (i + ${before})::BIGINT AS id, md5(i::VARCHAR) AS v, i % 97 AS n FROM range(${count}) t(i) ORDER BY i`;
      const { rows } = await copyToPart(engine, sql, file, { format: 'parquet', compression: 'snappy' });
      before += rows;
      const { sha256, sizeBytes } = await hashFile(file);
      chunks.push({
        chunk_index: index,
        record_count: rows,
        right_rows: 0,
        duration_seconds: 0,
        sample_keys: [],
        build_side: null,
        spilled_bytes: 0,
        file,
        size_bytes: sizeBytes,
        sha256,
      });
    }
    const spec = joinSpecOf({ left: { path: 'l' }, right: { path: 'r' }, output: { path: 'o' } });
    const found = new Set<string>();
    for (let run = 0; run < 8; run += 1) {
      const spool = join(root, `spool-${run}`);
      mkdirSync(spool);
      const request = {
        spec,
        model: {
          used: 'periodic_snapshot',
          requested: 'periodic_snapshot',
          primaryKeys: [],
          orderColumn: undefined,
        } as const,
        columns: [],
        chunks,
        rowGroupRows: 18_432,
        spool,
      };
      const { parts } = await finish(engine, request, joinOptions(root));
      expect(parts).toMatchObject([{ rows: before, stem: 'full_snapshot' }]);
      found.add(sha256Hex(readFileSync(parts[0]?.file ?? '')));
      const [order] = await engine.query(
        `SELECT count(*) AS n, count(*) FILTER (id <> file_row_number) AS moved FROM read_parquet('${parts[0]?.file}', file_row_number=true)`,
      );
      expect(order).toMatchObject({ n: BigInt(before), moved: 0n });
    }
    expect(found.size).toBe(1);
  } finally {
    await engine.close();
    rmSync(root, { recursive: true });
  }
});
