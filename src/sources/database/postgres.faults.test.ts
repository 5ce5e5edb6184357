import { describe, expect, test } from 'bun:test';
import { survivesCuts } from '../../testing/database-faults.ts';
import { postgresLab } from '../../testing/postgres-database.ts';
import { mayRun } from '../../testing/services.ts';

describe.skipIf(!mayRun('FOUNDRY_TEST_POSTGRES_URL'))('PostgreSQL behind a wire that breaks', () => {
  test('each run lands exactly what is new, or fails and leaves the cursor where it was', async () => {
    const lab = await postgresLab();
    try {
      const { failed } = await survivesCuts(lab, 12, 7);
      expect(failed).toBeGreaterThan(0);
    } finally {
      await lab.drop();
    }
  });
});
