import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { databaseLake } from '../../testing/database-lake.ts';
import type { DatabaseLab } from '../../testing/database-words.ts';
import { tdsLab } from '../../testing/tds/lab.ts';

const CODES = ['ä', 'ö', 'ü', 'ÿ'];

describe('a varchar whose collation has another code page than its database', () => {
  let lab: DatabaseLab;
  beforeAll(async () => {
    lab = await tdsLab();
  });
  afterAll(() => lab.drop());

  test.each([
    ['a cursor', { incremental: { cursor_column: 'code' } }],
    ['a key of chunks', { chunk_rows: 1, partition_on: 'code' }],
  ])('is %s', async (_, options) => {
    await lab.create('coded', { id: 'integer', code: 'text' });
    const lake = await databaseLake(lab.url, { table: 'coded', ...options });
    try {
      for (const [id, code] of CODES.entries()) {
        await lab.run(`INSERT INTO coded VALUES (${id}, '${code}')`);
        if ('incremental' in options) await lake.run(`2025-01-${11 + id}`);
      }
      if (!('incremental' in options)) await lake.run('2025-01-11', { signal: AbortSignal.timeout(3000) });
      expect(await lake.ids()).toEqual([...CODES.keys()]);
    } finally {
      await lake.remove();
    }
  });
});
