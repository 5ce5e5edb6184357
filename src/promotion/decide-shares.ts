import type { Progress } from '../core/log.ts';
import type { Engine } from '../engine/engine.ts';
import { runHeavy } from '../engine/heavy.ts';
import type { Decision } from './decide.ts';
import { decideSql } from './decide-sql.ts';

/** Of a row that passes through the windows: its place, order, keys and each compared value. */
const ROW_BYTES = 64;
const VALUE_BYTES = 16;
/** Of the engine's memory, what the rows of one share may take. */
const MEMORY_SHARE = 0.5;
const MAX_SHARES = 64;

/**
 * Fills the table `decided`. Where rows are compared, many values of each pass through the windows: what does not fit
 * in memory is decided in several shares of the keys, since reading the rows again costs less than spilling them.
 * @param rows about how many there are
 * @throws ENG002, INT001.
 */
export async function fillDecided(
  engine: Engine,
  decision: Decision,
  rows: number,
  progress: Progress,
): Promise<void> {
  const of = sharesOf(decision, rows, engine.memoryBytes);
  for (let index = 0; index < of; index += 1) {
    progress.step(of === 1 ? 'deciding' : `deciding, share ${index + 1} of ${of}`);
    const into = index === 0 ? 'CREATE OR REPLACE TEMP TABLE decided AS' : 'INSERT INTO decided';
    await runHeavy(engine, progress, () => engine.execute(`${into} ${decideSql(decision, { index, of })}`));
  }
}

/** How many. A key that a snapshot lacks has no row to say which share it is of. @param memoryBytes the engine's limit */
export function sharesOf(
  { compared, keys, kind, missing }: Pick<Decision, 'compared' | 'keys' | 'kind' | 'missing'>,
  rows: number,
  memoryBytes: number,
): number {
  if (kind !== 'changes' || missing !== undefined) return 1;
  const bytes = rows * (ROW_BYTES + VALUE_BYTES * (keys.length + compared.length));
  return Math.min(MAX_SHARES, Math.max(1, Math.ceil(bytes / (memoryBytes * MEMORY_SHARE))));
}
