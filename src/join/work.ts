import type { Compression } from '../config/spec.ts';
import type { WorkPlace } from './checkpoint.ts';
import type { JoinInput } from './inputs.ts';
import type { JoinShape } from './sql.ts';
import type { StrategyPlan } from './strategy.ts';

/** One join: what is asked for, of what, how, and where its work lies meanwhile. */
export interface JoinWork {
  readonly shape: JoinShape;
  readonly strategy: StrategyPlan;
  readonly left: JoinInput;
  readonly right: JoinInput;
  readonly place: WorkPlace;
  /** Both inputs are what was committed: before it is fulfilled nothing is written down. */
  readonly verified: Promise<unknown>;
  readonly compression: Compression;
  /** Chunks are files of the output as they are, and are flushed while the engine works on. */
  readonly isFinal: boolean;
}
