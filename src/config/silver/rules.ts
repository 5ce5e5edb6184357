import type { DeleteMode, LoadPattern, SilverModelName } from '../spec.ts';
import { needsKeys } from './models.ts';

export interface ModelSubject {
  readonly model: SilverModelName;
  readonly pattern: LoadPattern;
  readonly keys: readonly string[];
  readonly orderColumn?: string | undefined;
  readonly deleteMode: DeleteMode;
}

export interface ModelProblem {
  readonly key: 'primary_keys' | 'order_column' | 'delete_mode';
  /** Goes after the name of the key: `is required by the model scd_type_1`. */
  readonly message: string;
}

/** What a classic model lacks, or is told that it cannot do. */
export function modelProblems(subject: ModelSubject): readonly ModelProblem[] {
  const { model, pattern, keys, orderColumn, deleteMode } = subject;
  const problems: ModelProblem[] = [];
  const byPattern = pattern === 'current_history';
  const why = byPattern
    ? 'by the load pattern current_history'
    : needsKeys(model)
      ? `by the model ${model}`
      : undefined;
  if (why !== undefined) {
    if (keys.length === 0) problems.push({ key: 'primary_keys', message: `is required ${why}` });
    if (orderColumn === undefined || orderColumn.trim() === '') {
      problems.push({ key: 'order_column', message: `is required ${why}` });
    }
  }
  if (deleteMode === 'tombstone_event') {
    problems.push({ key: 'delete_mode', message: 'tombstone_event applies to events only' });
  } else if (deleteMode !== 'ignore' && !needsKeys(model)) {
    problems.push({ key: 'delete_mode', message: `${deleteMode} has no effect on the model ${model}` });
  }
  return problems;
}

type UselessKey = 'keep_tombstones' | 'collapse_unchanged' | 'detect_missing' | 'cdc';

/** Settings that are written and change nothing under this model, by key. */
export function uselessSettings(
  model: SilverModelName,
  deleteMode: DeleteMode,
  settings: {
    readonly keep_tombstones?: boolean | undefined;
    readonly collapse_unchanged?: boolean | undefined;
    readonly detect_missing?: boolean | undefined;
    readonly input_scope?: string | undefined;
    readonly cdc?: unknown;
  },
): readonly { readonly key: UselessKey; readonly unless: string }[] {
  const useless: { key: UselessKey; unless: string }[] = [];
  if (settings.keep_tombstones === true && deleteMode !== 'tombstone_state') {
    useless.push({ key: 'keep_tombstones', unless: 'delete_mode is tombstone_state' });
  }
  if (settings.collapse_unchanged === true && model !== 'scd_type_2' && model !== 'state_scd2') {
    useless.push({ key: 'collapse_unchanged', unless: 'history is kept (scd2)' });
  }
  if (settings.cdc !== undefined && !needsKeys(model)) {
    useless.push({ key: 'cdc', unless: 'the model picks rows by key' });
  }
  if (settings.detect_missing === true && (!needsKeys(model) || model === 'event')) {
    useless.push({ key: 'detect_missing', unless: 'the model picks rows by key and is no log of events' });
  } else if (settings.detect_missing === true && settings.input_scope !== 'history') {
    useless.push({ key: 'detect_missing', unless: 'input_scope is history' });
  } else if (settings.detect_missing === true && deleteMode === 'ignore') {
    useless.push({ key: 'detect_missing', unless: 'delete_mode says what becomes of deleted keys' });
  }
  return useless;
}
