import { describe, expect, test } from 'bun:test';
import { survivesCuts } from '../../testing/database-faults.ts';
import { tdsLab } from '../../testing/tds/lab.ts';

describe('SQL Server (the TDS server of the tests) behind a wire that breaks', () => {
  test('each run lands exactly what is new, or fails and leaves the cursor where it was', async () => {
    const lab = await tdsLab();
    try {
      const { failed } = await survivesCuts(lab, 12, 7);
      expect(failed).toBeGreaterThan(0);
    } finally {
      await lab.drop();
    }
  });
});
