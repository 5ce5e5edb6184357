import type { ArtifactName, SilverModelName } from '../spec.ts';
import * as kit from '../yaml/schema-kit.ts';

export const OUTPUTS = ['full', 'cdc', 'current', 'history'] as const;
export type OutputName = (typeof OUTPUTS)[number];
export type OutputKey = `${OutputName}_output_name`;

const outputName = (artifacts: string) =>
  kit.optional(`File name of ${artifacts}.`, kit.text, { fallback: 'the name of the artifact' });

/** Keys of `silver`, in both dialects. */
export const outputNames = {
  full_output_name: outputName('the artifact `full_snapshot`; of `events`'),
  cdc_output_name: outputName('the artifact `cdc_changes`; of `events` and `derived_events`'),
  current_output_name: outputName('the artifact `current`; of `state_current`'),
  history_output_name: outputName('the artifact `history`; of `state_history`'),
} as const;

export type OutputNames = { readonly [K in OutputKey]?: string | undefined };

const CLASSIC: Readonly<Record<OutputName, ArtifactName>> = {
  full: 'full_snapshot',
  cdc: 'cdc_changes',
  current: 'current',
  history: 'history',
};

const OF_INTENTS: Readonly<
  Partial<Record<SilverModelName, Readonly<Partial<Record<OutputName, ArtifactName>>>>>
> = {
  event: { full: 'events', cdc: 'events' },
  derived_event: { full: 'derived_events', cdc: 'derived_events' },
  state_scd1: { full: 'state_current', current: 'state_current' },
  state_scd2: { current: 'state_current', history: 'state_history' },
};

const HAS_HISTORY: readonly SilverModelName[] = ['scd_type_2', 'state_scd2'];

/**
 * The artifact that an output name renames. A classic name stays with its artifact whatever the model; undefined
 * where an intent's model has no such artifact.
 */
export function artifactOf(model: SilverModelName, output: OutputName): ArtifactName | undefined {
  const own = OF_INTENTS[model];
  return own === undefined ? CLASSIC[output] : own[output];
}

/** The name that both artifacts of a model with history would have; undefined where they differ. */
export function sharedName(
  model: SilverModelName,
  names: Readonly<Partial<Record<ArtifactName, string>>>,
): string | undefined {
  const [current, history] = (['current', 'history'] as const).map((output) => artifactOf(model, output));
  if (!HAS_HISTORY.includes(model) || current === undefined || history === undefined) return undefined;
  const name = names[current] ?? current;
  return name === (names[history] ?? history) ? name : undefined;
}

/** The configured names by artifact; those that name no artifact of the model are left out. */
export function artifactNames(
  model: SilverModelName,
  silver: OutputNames,
): Partial<Record<ArtifactName, string>> {
  const names: Partial<Record<ArtifactName, string>> = {};
  for (const output of OUTPUTS) {
    const artifact = artifactOf(model, output);
    const name = silver[`${output}_output_name`];
    if (artifact !== undefined && name !== undefined) names[artifact] = name;
  }
  return names;
}
