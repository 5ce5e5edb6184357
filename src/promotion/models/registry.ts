import { derivedEvent } from './derived-event.ts';
import { event } from './event.ts';
import { fullMergeDedupe } from './full-merge-dedupe.ts';
import { incrementalMerge } from './incremental-merge.ts';
import type { SilverModels } from './model.ts';
import { periodicSnapshot } from './periodic-snapshot.ts';
import { scdType1 } from './scd-type-1.ts';
import { scdType2 } from './scd-type-2.ts';
import { stateScd1 } from './state-scd1.ts';
import { stateScd2 } from './state-scd2.ts';

export const MODELS: SilverModels = {
  periodic_snapshot: periodicSnapshot,
  incremental_merge: incrementalMerge,
  full_merge_dedupe: fullMergeDedupe,
  scd_type_1: scdType1,
  scd_type_2: scdType2,
  event,
  state_scd1: stateScd1,
  state_scd2: stateScd2,
  derived_event: derivedEvent,
};
