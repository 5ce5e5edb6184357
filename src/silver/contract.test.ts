import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStorage } from '../storage/local.ts';
import { describeChanges, earlierLoad, schemaChanges } from './contract.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'foundry-contract-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ID = [{ name: 'id', type: 'string' }];

function manifest(columns: readonly object[] | undefined): object {
  return {
    format_version: 1,
    layer: 'silver',
    commit_id: 'c',
    status: 'complete',
    timestamp: 't',
    started_at: 't',
    tool: { name: 'foundry', version: '0', commit: '' },
    run_date: '2025-01-01',
    record_count: 0,
    chunk_count: 0,
    load_pattern: 'full',
    files: [],
    schema: [],
    ...(columns === undefined ? {} : { input_schema: columns }),
  };
}

/** A Silver table of its own whose loads have these manifests, by folder. */
function table(loads: Readonly<Record<string, object | string>>) {
  const base = mkdtempSync(join(root, 'lake-'));
  for (const [folder, content] of Object.entries(loads)) {
    mkdirSync(join(base, 't', folder), { recursive: true });
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(join(base, 't', folder, '_metadata.json'), text);
  }
  const lake = { storage: localStorage(base) };
  return async (folder: string) => (await earlierLoad(lake, `t/${folder}`))?.path;
}

describe('the load before', () => {
  test('is the newest one that is older, never this one or a later one', async () => {
    const before = table({
      'd=2025-01-03': manifest(ID),
      'd=2025-01-04': manifest(ID),
      'd=2025-01-05': manifest(ID),
      'd=2025-01-06': manifest(ID),
    });
    expect(await before('d=2025-01-05')).toBe('t/d=2025-01-04');
    expect(await before('d=2025-01-03')).toBeUndefined();
  });

  test('may be years ago; loads that do not tell their columns, or are broken, are passed over', async () => {
    const before = table({
      'd=2021-02-28': manifest(ID),
      'd=2023-01-01': manifest(undefined),
      'd=2025-01-01': manifest([]),
      'd=2025-01-04': '{',
      'other=2025-01-03': manifest(ID),
      'd=2025-01-02/nested=1': manifest(ID),
    });
    expect(await before('d=2025-01-05')).toBe('t/d=2021-02-28');
  });

  test('is none where the table is new', async () => {
    expect(await table({})('d=2025-01-05')).toBeUndefined();
  });
});

describe('changes of columns', () => {
  const before = {
    path: 't/d=1',
    columns: [...ID, { name: 'a', type: 'int64' }, { name: 'b', type: 'date' }],
  };

  test('are what was added, is missing and has another type', () => {
    const now = [{ name: 'a', type: 'string' }, ...ID, { name: 'c', type: 'string' }];
    const changes = schemaChanges(before, now);
    expect(changes).toEqual({
      against: 't/d=1',
      added: ['c'],
      missing: ['b'],
      type_changed: [{ column: 'a', from: 'int64', to: 'string' }],
    });
    expect(changes && describeChanges(changes)).toBe('added c; missing b; a int64 → string');
  });

  test('are none where only the order of columns is another', () => {
    const changes = schemaChanges(before, before.columns.toReversed());
    expect(changes).toEqual({ against: 't/d=1', added: [], missing: [], type_changed: [] });
    expect(changes && describeChanges(changes)).toBeUndefined();
  });

  test('are unknown where there was no load, or where nothing is known of the columns', () => {
    expect(schemaChanges(undefined, ID)).toBeUndefined();
    expect(schemaChanges(before, [])).toBeUndefined();
  });
});
