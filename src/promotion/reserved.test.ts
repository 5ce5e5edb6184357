import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { type PromotedRows, promoteRows, silverSpec } from '../testing/silver-kit.ts';

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-reserved-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

/** Two rows of a key and one of another, with a column `name` of equal numbers that is to be called `other`. */
function renamed(name: string): Promise<PromotedRows> {
  const { attributes: _none, schemaMode: _any, ...rest } = silverSpec({ model: 'scd_type_2' });
  const shaping = {
    ...{ renames: { [name]: 'other' }, order: [], types: {} },
    ...{ trimStrings: false, emptyStringsAsNull: false },
  };
  const rows = [
    { id: '1', ts: '2025-01-01', [name]: '0' },
    { id: '1', ts: '2025-01-02', [name]: '0' },
    { id: '2', ts: '2025-01-01', [name]: '0' },
  ];
  const columns = { id: 'VARCHAR', ts: 'VARCHAR', [name]: 'BIGINT' };
  return promoteRows(engine, root, { ...rest, shaping }, columns, [rows]);
}

test('a column that has a name of the scan makes no rows, by whatever name it is to go on', async () => {
  for (const name of ['__row', '__ROW', '__file', 'file_row_number', 'file_index']) {
    const error = await renamed(name).then(
      ({ artifacts }) => artifacts,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(FoundryError);
    expect(error).toMatchObject({ code: 'SCHEMA001', message: `the column name "${name}" is reserved` });
    expect(error).toMatchObject({ hint: expect.stringContaining('option columns') });
  }
});

test('a column that has another name of foundry’s own may be given a new one', async () => {
  for (const name of ['__order', '__next', '__status', '__deleted', '__fault', '__change', '__changed']) {
    const { artifacts } = await renamed(name);
    expect(artifacts.history?.map(({ id, ts, other }) => [id, ts, other])).toEqual([
      ['1', '2025-01-01', '0'],
      ['1', '2025-01-02', '0'],
      ['2', '2025-01-01', '0'],
    ]);
  }
});
