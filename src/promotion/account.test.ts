import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { requireRows } from './account.ts';

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-account-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 1, spillFolder: root });
  await engine.execute(
    `CREATE TEMP TABLE decided AS SELECT * FROM (VALUES ('live'), ('live'), ('duplicate')) t("__status")`,
  );
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

test('more rows than were decided, or fewer, are a bug, and are counted', async () => {
  const current = { stem: 'current', where: `"__status" = 'live'` };
  await requireRows(engine, current, 2, undefined);
  for (const written of [1, 6]) {
    await expect(requireRows(engine, current, written, undefined)).rejects.toThrow(
      `current is to hold 2 rows, but ${written} were written`,
    );
  }
});

test('models that take rows as they are hold as many as were read', async () => {
  await requireRows(engine, { stem: 'full_snapshot' }, 7, 7);
  await expect(requireRows(engine, { stem: 'full_snapshot' }, 6, 7)).rejects.toThrow('is to hold 7 rows');
});
