import { parseConfig, problemsOf } from '../src/config/load.ts';
import { CLASSIC_MODELS, defaultModel } from '../src/config/silver/models.ts';
import { type DatasetSpec, LOAD_PATTERNS, type SilverModelName } from '../src/config/spec.ts';
import { parseType, STRING } from '../src/core/schema.ts';
import { MODELS } from '../src/promotion/models/registry.ts';

const KINDS = ['event', 'state', 'derived_state', 'derived_event'] as const;
const HISTORY_MODES = ['scd2', 'scd1', 'latest_only'] as const;
const INPUT_MODES = ['append_log', 'replace_daily'] as const;
const DELETE_MODES = ['ignore', 'tombstone_state', 'tombstone_event', 'hard_delete'] as const;

const MEANINGS: Readonly<Record<SilverModelName, string>> = {
  periodic_snapshot: 'the rows as they are',
  incremental_merge: 'the changes as they are',
  full_merge_dedupe: 'the newest row of each key, as one snapshot',
  scd_type_1: 'the newest row of each key',
  scd_type_2: 'every version of each key, and the newest ones',
  event: 'what happened, one row for each key and time (of each key and day with `replace_daily`)',
  state_scd1: 'the newest state of each key',
  state_scd2: 'every state of each key, and the newest ones',
  derived_event: 'the changes between states',
};

type Silver = Readonly<Record<string, unknown>>;
type Verdict = { readonly spec: DatasetSpec } | { readonly keys: readonly string[] };

function judge(config: object): Verdict {
  try {
    const [spec] = parseConfig('matrix.yaml', JSON.stringify(config), {}).datasets;
    if (spec === undefined) throw new Error('a config of one dataset gave none');
    return { spec };
  } catch (error) {
    const problems = problemsOf(error);
    if (problems.length === 0) throw error;
    return { keys: problems.map(({ path }) => path.split('.').at(-1) ?? '') };
  }
}

function classic(pattern: string, silver: Silver): Verdict {
  return judge({
    config_version: 1,
    platform: { bronze: { storage_backend: 'local' } },
    source: { system: 's', table: 't', file: { path: 'x.csv' }, run: { load_pattern: pattern } },
    silver,
  });
}

function intent(silver: Silver, pattern = 'full'): Verdict {
  return judge({
    system: 's',
    entity: 'e',
    bronze: { path_pattern: 'x.csv', options: { load_pattern: pattern } },
    silver: { natural_keys: ['id'], ...silver },
  });
}

const WITH_KEYS = { primary_keys: ['id'], order_column: 'at' };

/** What stands in a cell: whether it goes together, and what it needs. */
function classicCell(
  pattern: (typeof LOAD_PATTERNS)[number],
  model: (typeof CLASSIC_MODELS)[number],
): string {
  const isDefault = defaultModel(pattern) === model ? ' **default**' : '';
  const bare = classic(pattern, { model });
  const full = classic(pattern, { model, ...WITH_KEYS });
  if (!('spec' in full)) return `no: ${full.keys.join(', ')}`;
  if ('spec' in bare) return `yes${isDefault}`;
  return `yes${isDefault}, needs ${bare.keys.map((key) => `\`${key}\``).join(' and ')}`;
}

function artifactsOf(spec: DatasetSpec): string {
  const { silver } = spec;
  if (silver === undefined) throw new Error(`${spec.name} has no silver`);
  const orderType = parseType('timestamp') ?? STRING;
  const fields = [
    { name: 'id', type: STRING },
    { name: 'at', type: orderType },
  ];
  const queries = MODELS[silver.model].artifacts(silver, { fields, orderType });
  return queries.map(({ artifact }) => `\`${artifact}\``).join(', ');
}

function deleteModes(verdict: (mode: string) => Verdict): string {
  const allowed = DELETE_MODES.filter((mode) => 'spec' in verdict(mode));
  return allowed.map((mode) => `\`${mode}\``).join(', ');
}

function intentRow(kind: (typeof KINDS)[number], modeKey: string, mode: string): string {
  const isEvent = kind.endsWith('event');
  const [needed, other] = isEvent
    ? ['event_ts_column', 'change_ts_column']
    : ['change_ts_column', 'event_ts_column'];
  const columns = { [needed]: 'at', ...(kind === 'derived_event' && { [other]: 'at' }) };
  const silver = { entity_kind: kind, [modeKey]: mode, ...columns };
  const verdict = intent(silver);
  const names = `| \`${kind}\` | \`${modeKey}: ${mode}\` |`;
  if (!('spec' in verdict)) return `${names} no | | | |`;
  const refused = LOAD_PATTERNS.filter((pattern) => !('spec' in intent(silver, pattern)));
  if (refused.length > 0)
    throw new Error(`${kind} is refused with ${refused.join(', ')}; say so in the page`);
  const without = intent({ entity_kind: kind, [modeKey]: mode });
  const needs = 'spec' in without ? '' : without.keys.map((key) => `\`${key}\``).join(', ');
  const modes = deleteModes((delete_mode) => intent({ ...silver, delete_mode }));
  return `${names} \`${verdict.spec.silver?.model}\` | ${artifactsOf(verdict.spec)} | \`natural_keys\`, ${needs} | ${modes} |`;
}

/** `docs/pattern-matrix.md`: which load pattern, entity kind and model go together, by asking the config language. */
export function patternMatrix(): string {
  const patterns = CLASSIC_MODELS.map((model) => {
    const cells = LOAD_PATTERNS.map((pattern) => classicCell(pattern, model));
    return `| \`${model}\` | ${cells.join(' | ')} |`;
  });
  const models = CLASSIC_MODELS.map((model) => {
    const verdict = classic('full', { model, ...WITH_KEYS });
    if (!('spec' in verdict)) throw new Error(`${model} is refused`);
    const modes = deleteModes((delete_mode) => classic('full', { model, ...WITH_KEYS, delete_mode }));
    return `| \`${model}\` | ${MEANINGS[model]} | ${artifactsOf(verdict.spec)} | ${modes} |`;
  });
  const kinds = KINDS.flatMap((kind) =>
    kind.endsWith('event')
      ? INPUT_MODES.map((mode) => intentRow(kind, 'input_mode', mode))
      : HISTORY_MODES.map((mode) => intentRow(kind, 'history_mode', mode)),
  );
  const meanings = (['event', 'state_scd1', 'state_scd2', 'derived_event'] as const).map(
    (model) => `\`${model}\`: ${MEANINGS[model]}`,
  );
  return `${[
    '# Pattern matrix',
    'Generated by `bun run docs`, which asks the config language about every combination; do not edit.',
    'A *load pattern* says what one Bronze partition holds: everything (`full`), only changes (`cdc`), or the current and older versions (`current_history`). A *model* says which rows Silver makes of it. What each model does with ties, NULLs and deletes is in [the row rules](row-rules.md).',
    '## Classic configs: load pattern and model',
    `| \`silver.model\` | ${LOAD_PATTERNS.map((pattern) => `\`${pattern}\``).join(' | ')} |\n|---|${LOAD_PATTERNS.map(() => '---|').join('')}\n${patterns.join('\n')}`,
    `| \`silver.model\` | Rows | Artifacts | \`delete_mode\` |\n|---|---|---|---|\n${models.join('\n')}`,
    '## Intent configs: entity kind and mode',
    'Every load pattern goes with every kind: the pattern names the folder, the kind decides the rows.',
    `| \`entity_kind\` | Mode | Model | Artifacts | Needs | \`delete_mode\` |\n|---|---|---|---|---|---|\n${kinds.join('\n')}`,
    meanings.map((meaning) => `- ${meaning}`).join('\n'),
  ].join('\n\n')}\n`;
}
