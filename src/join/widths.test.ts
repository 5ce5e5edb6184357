import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { copyToPart } from '../engine/parts.ts';
import { relationOf } from '../promotion/relation.ts';
import { textWidths } from './widths.ts';

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-widths-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

async function widthsOf(...parts: readonly string[]): Promise<Record<string, number>> {
  const inputs = parts.map((_, index) => ({ localPath: join(root, `${index}.parquet`), name: `${index}` }));
  for (const [index, sql] of parts.entries()) {
    await copyToPart(engine, sql, inputs[index]?.localPath ?? '', {
      format: 'parquet',
      compression: 'snappy',
    });
  }
  const relation = await relationOf(engine, inputs, { fields: [] });
  return Object.fromEntries(await textWidths(engine, relation, inputs));
}

test('texts are as wide as they are, whether each is written where it stands or once for all its rows', async () => {
  const widths = await widthsOf(
    `SELECT i AS id, md5(i::VARCHAR) AS own, repeat('é', 500) AS shared, repeat('x', 300)::BLOB AS bytes,
       repeat(i::VARCHAR, 40) AS growing FROM range(20000) t(i)`,
  );
  expect(Object.keys(widths).sort()).toEqual(['bytes', 'growing', 'own', 'shared']);
  expect(widths.own).toBeCloseTo(32, 0);
  expect(widths.shared).toBe(1000);
  expect(widths.bytes).toBe(300);
  // 10 of one digit, 90 of two, …: 4.4 on average, where the first rows say 3.5.
  expect(widths.growing).toBeCloseTo(178, -1);
});

test('parts of other encodings, and one without rows, say what the first rows say', async () => {
  const widths = await widthsOf(
    `SELECT repeat('a', 100) AS text FROM range(5000)`,
    `SELECT md5(i::VARCHAR) AS text FROM range(5000) t(i)`,
    `SELECT 'x' AS text LIMIT 0`,
  );
  expect(widths).toEqual({ text: 100 });
  expect(await widthsOf(`SELECT 'x' AS text, 1 AS n LIMIT 0`)).toEqual({ text: 0 });
});
