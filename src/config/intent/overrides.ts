import { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { modelByName } from '../silver/models.ts';
import type { SilverSpec } from '../spec.ts';

type Replaced = Partial<SilverSpec>;

/**
 * An intent with other keys or another order column. Those replaced are columns like attributes, where Bronze has
 * them.
 *
 * @throws USE001 without keys or with an empty order column
 */
export function overrideIntentColumns(
  silver: SilverSpec,
  keys: readonly string[] | undefined,
  orderColumn: string | undefined,
): Replaced {
  if (keys === undefined && orderColumn === undefined) return {};
  if (keys?.length === 0) throw usage('--primary-key names no column');
  if (orderColumn === '') throw usage('--order-column names no column');
  const chosen = { keys: keys ?? silver.keys, orderColumn: orderColumn ?? silver.orderColumn };
  const identifies = (name: string): boolean => chosen.keys.includes(name) || name === chosen.orderColumn;
  const former = [...silver.keys, ...(silver.orderColumn === undefined ? [] : [silver.orderColumn])];
  return {
    ...(keys !== undefined && { keys }),
    ...(orderColumn !== undefined && { orderColumn }),
    attributes: (silver.attributes ?? []).filter((name) => !identifies(name)),
    replacedColumns: former.filter((name) => !identifies(name)),
  };
}

/** Names that `--silver-model` takes for each kind of entity. */
const CHOICES = {
  state: ['scd_type_1', 'scd_type_2', 'latest_only'],
  derived_state: ['scd_type_1', 'scd_type_2', 'latest_only'],
  event: ['append_log', 'replace_daily'],
  derived_event: [],
} as const satisfies Record<NonNullable<SilverSpec['entityKind']>, readonly string[]>;

/**
 * What `--silver-model` means for an intent: how much history a state keeps, or how the rows of an event come in.
 *
 * @throws USE001 for a model that the kind of entity does not have
 */
export function overrideIntentModel(
  kind: NonNullable<SilverSpec['entityKind']>,
  name: string | undefined,
): Replaced {
  if (name === undefined) return {};
  const folded = name.trim().toLowerCase();
  const choices: readonly string[] = CHOICES[kind];
  const found = modelByName(name) ?? folded;
  if (!choices.includes(found)) {
    const which =
      choices.length === 0
        ? 'it has one model only'
        : `use ${choices.join(', ')}${didYouMean(folded, choices)}`;
    throw usage(`--silver-model ${name} has no meaning where entity_kind is ${kind}; ${which}`);
  }
  switch (found) {
    case 'scd_type_2':
      return { model: 'state_scd2', historyMode: 'scd2' };
    case 'scd_type_1':
      return { model: 'state_scd1', historyMode: 'scd1' };
    case 'latest_only':
      return { model: 'state_scd1', historyMode: 'latest_only' };
    case 'replace_daily':
      return { inputMode: 'replace_daily' };
    default:
      return { inputMode: 'append_log' };
  }
}

function usage(message: string): FoundryError {
  return new FoundryError('USE001', message);
}
