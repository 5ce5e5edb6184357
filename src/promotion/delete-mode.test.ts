import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SilverSpec } from '../config/spec.ts';
import { silentLog } from '../core/log.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { promoteRows, silverSpec } from '../testing/silver-kit.ts';

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-delete-mode-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

/** What a promotion of one row, in which `flag` is true, warns of. */
async function warned(spec: Partial<SilverSpec>, flag?: string, rows = 1): Promise<readonly string[]> {
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const row = { id: '1', ts: '2025-01-01', v: 'a', ...(flag !== undefined && { [flag]: 'true' }) };
  const columns = Object.fromEntries(Object.keys(row).map((name) => [name, 'VARCHAR']));
  const silver = silverSpec({ schemaMode: 'allow_new_columns', ...spec });
  const batches = Array.from({ length: rows }, () => [row]);
  await promoteRows(engine, root, silver, columns, batches, undefined, [], log);
  return warnings;
}

test('a delete mode is told to delete nothing where nothing says what is deleted, and which column may be meant', async () => {
  expect(await warned({ deleteMode: 'hard_delete' }, 'IS_DELETED')).toEqual([
    'delete_mode is hard_delete, but no column is_deleted or deleted_flag says which rows are deleted, so none is; ' +
      'for "IS_DELETED" to say it, set schema.rename_map: {"IS_DELETED": is_deleted}',
  ]);
  expect(await warned({ deleteMode: 'tombstone_state' })).toEqual([
    'delete_mode is tombstone_state, but no column is_deleted or deleted_flag says which rows are deleted, so none is; ' +
      'name the column that does with schema.rename_map, or set cdc',
  ]);
  expect(await warned({ model: 'event', deleteMode: 'tombstone_event' })).toHaveLength(1);
});

test('nothing is told where a column, a code or a snapshot says it, where deletes are ignored or there are no rows', async () => {
  expect(await warned({ deleteMode: 'hard_delete' }, 'is_deleted')).toEqual([]);
  expect(await warned({ deleteMode: 'hard_delete' }, 'deleted_flag')).toEqual([]);
  const cdc = { operationColumn: 'v', live: ['a'], deleted: ['D'] };
  expect(await warned({ deleteMode: 'hard_delete', cdc })).toEqual([]);
  expect(await warned({ deleteMode: 'hard_delete', detectMissing: true })).toEqual([]);
  expect(await warned({ deleteMode: 'ignore' }, 'IS_DELETED')).toEqual([]);
  expect(await warned({ deleteMode: 'hard_delete' }, 'IS_DELETED', 0)).toEqual([]);
});
