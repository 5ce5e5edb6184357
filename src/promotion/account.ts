import type { Engine } from '../engine/engine.ts';
import type { PlannedArtifact } from './artifact-plan.ts';

/**
 * Compares the rows that an artifact holds with those that were decided to be in it: a row is fetched by its place,
 * and a place that were not of one row alone would make rows up, or lose some, without a word.
 * @param passed rows of a model that takes them as they are; absent where they were decided.
 * @throws Error for any difference, which is a bug: nothing is committed then.
 */
export async function requireRows(
  engine: Engine,
  { stem, taken, where }: Pick<PlannedArtifact, 'stem' | 'taken' | 'where'>,
  written: number,
  passed: number | undefined,
): Promise<void> {
  if (taken !== undefined) return;
  const due = passed ?? (await decidedRows(engine, where));
  if (written !== due) throw new Error(`${stem} is to hold ${due} rows, but ${written} were written`);
}

async function decidedRows(engine: Engine, where = 'true'): Promise<number> {
  const [found] = await engine.query(`SELECT count(*) AS n FROM decided WHERE ${where}`);
  return Number(found?.n ?? 0);
}
