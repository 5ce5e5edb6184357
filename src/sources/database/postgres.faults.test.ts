import { describe, expect, test } from 'bun:test';
import { survivesCuts } from '../../testing/database-faults.ts';
import { numbersFrom } from '../../testing/lehmer.ts';
import { postgresLab } from '../../testing/postgres-database.ts';
import { conservesRows, survivesKills } from '../../testing/postgres-trouble.ts';
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

describe.skipIf(!mayRun('FOUNDRY_TEST_POSTGRES_URL'))('PostgreSQL under trouble', () => {
  test('sessions killed and statements out of time at any moment lose and double nothing', async () => {
    const lab = await postgresLab();
    try {
      const { failed } = await survivesKills(lab, 10, numbersFrom(3));
      expect(failed).toBeGreaterThan(0);
    } finally {
      await lab.drop();
    }
  });

  test('rows of overlapping transactions all land, with a lookback that covers them', async () => {
    const lab = await postgresLab();
    try {
      const { versions } = await conservesRows(lab, 12, numbersFrom(5));
      expect(versions).toBeGreaterThan(100);
    } finally {
      await lab.drop();
    }
  });
});
