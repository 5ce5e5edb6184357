import type { LoadPattern, SilverModelName } from '../spec.ts';

/** The models that a classic config can name. */
export const CLASSIC_MODELS = [
  'periodic_snapshot',
  'incremental_merge',
  'full_merge_dedupe',
  'scd_type_1',
  'scd_type_2',
] as const satisfies readonly SilverModelName[];

export type ClassicModel = (typeof CLASSIC_MODELS)[number];

const MODELS = {
  periodic_snapshot: 'periodic_snapshot',
  incremental_merge: 'incremental_merge',
  full_merge_dedupe: 'full_merge_dedupe',
  scd_type_1: 'scd_type_1',
  scd_type_2: 'scd_type_2',
  scd1: 'scd_type_1',
  'scd type 1': 'scd_type_1',
  scd2: 'scd_type_2',
  'scd type 2': 'scd_type_2',
  incremental: 'incremental_merge',
  full_merge: 'full_merge_dedupe',
  'full merge': 'full_merge_dedupe',
  periodic: 'periodic_snapshot',
} as const satisfies Readonly<Record<string, ClassicModel>>;

export type ModelName = keyof typeof MODELS;

const PROFILES = {
  analytics: 'scd_type_2',
  operational: 'scd_type_1',
  merge_ready: 'full_merge_dedupe',
  cdc_delta: 'incremental_merge',
  snapshot: 'periodic_snapshot',
} as const satisfies Readonly<Record<string, ClassicModel>>;

export type ModelProfile = keyof typeof PROFILES;

/** Canonical names first, then aliases. */
export const MODEL_NAMES = Object.keys(MODELS) as [ModelName, ...ModelName[]];
export const PROFILE_NAMES = Object.keys(PROFILES) as [ModelProfile, ...ModelProfile[]];

const DEFAULTS: Readonly<Record<LoadPattern, ClassicModel>> = {
  full: 'periodic_snapshot',
  cdc: 'incremental_merge',
  current_history: 'scd_type_2',
};

export function defaultModel(pattern: LoadPattern): ClassicModel {
  return DEFAULTS[pattern];
}

/** The model behind a name or an alias, in any case; undefined when the text names none. */
export function modelByName(name: string): ClassicModel | undefined {
  const folded = name.trim().toLowerCase();
  return MODEL_NAMES.includes(folded as ModelName) ? MODELS[folded as ModelName] : undefined;
}

/** A profile wins over a model, and a model over the load pattern's default. */
export function chooseModel(
  pattern: LoadPattern,
  model: ModelName | undefined,
  profile: ModelProfile | undefined,
): { readonly model: ClassicModel; readonly isDefault: boolean } {
  if (profile !== undefined) return { model: PROFILES[profile], isDefault: false };
  if (model !== undefined) return { model: MODELS[model], isDefault: false };
  return { model: DEFAULTS[pattern], isDefault: true };
}

/** Whether the model picks rows, so that it must know keys and order. */
export function needsKeys(model: SilverModelName): boolean {
  return model !== 'periodic_snapshot' && model !== 'incremental_merge';
}
