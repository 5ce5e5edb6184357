/** `--memory-limit 512MB` holds for 20,000,000 rows × 10 columns: at most 200 MB more for the whole process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { landOrders, landSnapshots, type OrdersModel, promoteOrders } from '../testing/promotion-memory.ts';

const ROWS = 20_000_000;
const ALLOWED = 512e6 + 200e6;

const ORDERS: readonly OrdersModel[] = [
  { model: 'scd_type_1' },
  { model: 'scd_type_2' },
  { model: 'derived_event' },
  { model: 'scd_type_1', partitionBy: ['code'] },
  { model: 'scd_type_2', partitionBy: ['code'] },
];
const DAYS = 20;

async function measure(folder: string, orders: OrdersModel): Promise<void> {
  const { peakBytes, seconds, files } = await promoteOrders(folder, orders, '512MB');
  const isWithin = peakBytes <= ALLOWED;
  process.stdout.write(
    `${isWithin ? 'kept  ' : 'BROKEN'} ${orders.model}, ${files} files: ${(peakBytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(0)} s (limit ${ALLOWED / 1e6} MB)\n`,
  );
  if (!isWithin) process.exitCode = 1;
  await rm(join(folder, 'silver'), { recursive: true, force: true });
}

/** `FOUNDRY_SOAK_MODEL=missing` measures one of them. */
const wanted = process.env.FOUNDRY_SOAK_MODEL;
const folder = await mkdtemp(join(tmpdir(), 'foundry-memory-'));
try {
  const chosen = ORDERS.filter(({ model }) => wanted === undefined || wanted === model);
  if (chosen.length > 0) await landOrders(folder, ROWS);
  for (const orders of chosen) await measure(folder, orders);
  if (wanted === undefined || wanted === 'missing') {
    await rm(join(folder, 'bronze'), { recursive: true, force: true });
    await landSnapshots(folder, ROWS / DAYS, DAYS);
    await measure(folder, { model: 'missing' });
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
