import type { BronzeSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { Lake, PartitionWriter } from '../lake/lake.ts';
import { type Commit, commitsAround, type Place } from '../lake/neighbours.ts';
import { type SourceState, sourceStateOf } from '../lake/source-state.ts';
import type { Source } from '../sources/source.ts';
import { locationOf } from '../storage/storage.ts';
import { type Extracted, extract } from './extract.ts';
import type { BronzeRunOptions } from './options.ts';

/** Where a source with a state of its own goes on. */
export interface StatePlan {
  readonly continues: readonly Commit[];
  /** Absent: from the beginning. */
  readonly previous?: SourceState;
}

/**
 * The state that the nearest earlier commit left (decision 10a).
 * @throws STATE001 where a later commit goes on from what lies here: nobody but the source could say where this run has
 * to stop.
 */
export async function planState(lake: Lake, place: Place, options: BronzeRunOptions): Promise<StatePlan> {
  const around = await commitsAround(lake, place, ({ state }, commit) => {
    const found = sourceStateOf(state);
    return found === undefined ? undefined : { ...commit, state: found };
  });
  const [next] = around.later;
  if (next !== undefined) {
    throw new FoundryError(
      'STATE001',
      `${locationOf(lake.storage, place.path)} cannot be landed any more: ${next.path} went on from the state that it left`,
      {
        details: { later: next.path },
        hint: 'The state of such a source says nothing about where to stop. Run the newest date again, or land everything anew with --full-refresh on a later date.',
      },
    );
  }
  const [previous] = options.fullRefresh === true ? [] : around.earlier;
  return previous === undefined ? { continues: [] } : { continues: [previous], previous: previous.state };
}

/** @throws what the source throws */
export async function readState(
  plan: StatePlan,
  bronze: BronzeSpec,
  source: Source,
  writer: PartitionWriter,
  options: BronzeRunOptions,
): Promise<{ readonly extracted: Extracted; readonly state?: SourceState }> {
  let state = plan.previous;
  const extracted = await extract(bronze, source, writer.spool, options, {
    ...(plan.previous !== undefined && { state: plan.previous }),
    onState(kept) {
      state = kept;
    },
  });
  return { extracted, ...(state !== undefined && { state }) };
}
