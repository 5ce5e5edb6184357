/** `--memory-limit 512MB` holds for 20,000,000 rows × 10 columns: at most 200 MB more for the whole process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { landOrders, promoteOrders } from '../testing/promotion-memory.ts';

const ROWS = 20_000_000;
const ALLOWED = 512e6 + 200e6;

const folder = await mkdtemp(join(tmpdir(), 'foundry-memory-'));
try {
  await landOrders(folder, ROWS);
  for (const [model, partitionBy] of [
    ['scd_type_1', []],
    ['scd_type_2', []],
    ['scd_type_1', ['code']],
    ['scd_type_2', ['code']],
  ] as const) {
    const { peakBytes, seconds, files } = await promoteOrders(folder, model, '512MB', partitionBy);
    const isWithin = peakBytes <= ALLOWED;
    process.stdout.write(
      `${isWithin ? 'kept  ' : 'BROKEN'} ${model}, ${files} files: ${(peakBytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(0)} s (limit ${ALLOWED / 1e6} MB)\n`,
    );
    if (!isWithin) process.exitCode = 1;
    await rm(join(folder, 'silver'), { recursive: true, force: true });
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
