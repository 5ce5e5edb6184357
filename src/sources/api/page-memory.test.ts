import { expect, test } from 'bun:test';
import { peakOfOnePage } from '../../testing/page-memory.ts';

const MB = 1e6;

// 100 MB below 1 GB is what the soak looks at.
test('a page of 25 MB is landed in less than 350 MB of memory', async () => {
  const { peakBytes, rows } = await peakOfOnePage(25 * MB);
  expect(rows).toBeGreaterThan(150_000);
  expect(peakBytes).toBeGreaterThan(50 * MB);
  expect(peakBytes).toBeLessThan(350 * MB);
}, 120_000);
