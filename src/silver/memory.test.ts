import { expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { landOrders, promoteOrders } from '../testing/promotion-memory.ts';

test('the last rows of 600,000 keys stay within a limit of 200 MB, but for 200 MB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-memory-'));
  try {
    await landOrders(folder, 1_500_000);
    const { peakBytes, files } = await promoteOrders(folder, { model: 'scd_type_1' }, '200MB');
    expect(files).toBe(1);
    expect(peakBytes).toBeLessThan(400e6);
    expect(peakBytes).toBeGreaterThan(60e6);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
