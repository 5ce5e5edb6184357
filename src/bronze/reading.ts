import type { DatasetSpec } from '../config/spec.ts';
import type { Lake, PartitionWriter } from '../lake/lake.ts';
import type { Cursor } from '../lake/manifest.ts';
import type { Commit, Place } from '../lake/neighbours.ts';
import type { SourceState } from '../lake/source-state.ts';
import type { Source } from '../sources/source.ts';
import { type Extracted, extract } from './extract.ts';
import { planIncremental, readIncrement } from './incremental.ts';
import type { BronzeRunOptions } from './options.ts';
import { planState, readState } from './state.ts';

/** What was read, and how far that brought the source: by a cursor, or by a state that only the source understands. */
export interface Read {
  readonly extracted: Extracted;
  readonly cursor?: Cursor;
  readonly state?: SourceState;
}

/** How a run reads its source, by what has landed of the table so far. */
export interface Reading {
  /** The commits that it continues, which must still be there when it commits. */
  readonly continues: readonly Commit[];
  read(source: Source, writer: PartitionWriter): Promise<Read>;
}

/** @throws what `planIncremental` and `planState` throw; `read`: what the source, the formats and the spool throw. */
export async function planReading(
  spec: DatasetSpec,
  lake: Lake,
  place: Place,
  options: BronzeRunOptions,
): Promise<Reading> {
  const { bronze } = spec;
  if (bronze.incremental !== undefined) {
    const plan = await planIncremental(spec, bronze.incremental, lake, place, options);
    return {
      continues: plan.continues,
      read: (source, writer) => readIncrement(plan, bronze, source, writer, options),
    };
  }
  if (bronze.keepsState === true) {
    const plan = await planState(lake, place, options);
    return {
      continues: plan.continues,
      read: (source, writer) => readState(plan, bronze, source, writer, options),
    };
  }
  return {
    continues: [],
    async read(source, writer) {
      return { extracted: await extract(bronze, source, writer.spool, options) };
    },
  };
}
