import { FoundryError, messageOf } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { EngineError } from '../engine/errors.ts';
import { parquetRows } from '../engine/sql.ts';
import type { OpenedBronze } from './inputs.ts';

/**
 * Runs `work`. Where the engine fails at something that no rule foresees, each part of Bronze is read once more: a
 * damaged file is the user's news, not a bug. (One that still reads is found by `require_checksum` alone.)
 * @throws SUM001, or DATA001 where nothing was committed, naming the part; else what `work` throws.
 */
export async function tellingDamage<T>(
  engine: Engine,
  bronze: OpenedBronze,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EngineError) await refuseDamaged(engine, bronze);
    throw error;
  }
}

async function refuseDamaged(engine: Engine, { parts, partitions }: OpenedBronze): Promise<void> {
  for (const { localPath, name } of parts) {
    const failure = await engine.query(`SELECT max(hash(r)) FROM ${parquetRows(localPath)} r`).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) continue;
    if (!(failure instanceof EngineError)) throw failure;
    const isCommitted = partitions.some(
      ({ path, manifest }) => manifest !== undefined && name.startsWith(`${path}/`),
    );
    throw new FoundryError(
      isCommitted ? 'SUM001' : 'DATA001',
      `${name} cannot be read: it is damaged (${messageOf(failure).split('\n', 1)[0]})`,
      {
        cause: failure,
        details: { file: name },
        hint: 'Land the partition again from its source. --require-checksum finds damage before anything is read.',
      },
    );
  }
}
