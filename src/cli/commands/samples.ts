import { join } from 'node:path';
import { type ArgsDef, defineCommand } from 'citty';
import { FoundryError } from '../../core/errors.ts';
import { ENGINE_ARGS, MODE_ARGS, OUTPUT_ARGS } from '../args.ts';
import { emitResults } from '../emit.ts';
import type { DatasetResult } from '../outcome.ts';
import { renderBronzeSample, renderJoinSample, renderSilverSample } from '../render-samples.ts';
import { formatsOf, modelsOf, patternsOf, refuseFlagsOf, sizesOf } from '../samples-flags.ts';
import { openSession } from '../session.ts';

const ROOT = 'sampledata';

/** Flags of the source samples alone. */
const SIZE_ARGS = {
  'start-date': { type: 'string', valueHint: 'YYYY-MM-DD', description: 'First day (default: 2025-11-13)' },
  'full-row-count': {
    type: 'string',
    valueHint: 'n',
    description: 'Rows of pattern 1 on its first day (default: 250000)',
  },
  'cdc-row-count': {
    type: 'string',
    valueHint: 'n',
    description: 'Rows of pattern 2 on its first day (default: 250000)',
  },
  'current-rows': {
    type: 'string',
    valueHint: 'n',
    description: 'Current rows of pattern 3 on its first day (default: 250000)',
  },
  'history-rows': {
    type: 'string',
    valueHint: 'n',
    description: 'Older rows of pattern 3 on its first day (default: 100000)',
  },
  'hybrid-reference-rows': {
    type: 'string',
    valueHint: 'n',
    description: 'Rows of each reference of patterns 4 to 7 (default: as --full-row-count)',
  },
  'hybrid-delta-rows': {
    type: 'string',
    valueHint: 'n',
    description: 'Changes a day of patterns 4 to 7 (default: as --cdc-row-count)',
  },
  'hybrid-days': {
    type: 'string',
    valueHint: 'n',
    description: 'Days with deltas of patterns 4 to 7 (default: as --days)',
  },
  'linear-growth': {
    type: 'string',
    valueHint: 'n',
    description: 'Rows that pattern 1 gains each day (default: 2500)',
  },
  'enable-updates': { type: 'boolean', description: 'Later rows change what earlier ones said (default)' },
  'disable-updates': { type: 'boolean', description: 'Every row is new: nothing changes afterwards' },
  large: { type: 'boolean', description: 'The sizes of the defaults, spelled out: 60 days, 250000 rows' },
  seed: {
    type: 'string',
    valueHint: 'n',
    description: 'Other data of the same shape (default: the original’s seeds)',
  },
} as const satisfies ArgsDef;

/** Flags of the Silver samples alone. */
const SILVER_ARGS = {
  'source-base-dir': {
    type: 'string',
    valueHint: 'folder',
    description: `Silver: where the source samples are (default: ./${ROOT}/source_samples)`,
  },
  'bronze-base-dir': {
    type: 'string',
    valueHint: 'folder',
    description: `Silver: where they are landed on the way (default: ./${ROOT}/bronze_samples)`,
  },
} as const satisfies ArgsDef;

/** Flag of the join samples alone. */
const JOIN_ARGS = {
  'silver-base-dir': {
    type: 'string',
    valueHint: 'folder',
    description: `Join: where the Silver samples are (default: ./${ROOT}/silver_samples)`,
  },
} as const satisfies ArgsDef;

/** Flags of the samples that the engine makes. */
const BUILT_ARGS = {
  models: { type: 'string', valueHint: 'a,b', description: 'Silver, join: only these models (default: all)' },
  'memory-limit': ENGINE_ARGS['memory-limit'],
  threads: ENGINE_ARGS.threads,
} as const satisfies ArgsDef;

const args = {
  layer: {
    type: 'positional',
    required: false,
    valueHint: 'bronze|silver|join',
    description: 'Source samples for Bronze (default), Silver samples made from them, or joins of those',
  },
  patterns: {
    type: 'string',
    valueHint: '1,2',
    description: 'Only these patterns, by number or name (default: all; silver, join: 1 to 3)',
  },
  days: { type: 'string', valueHint: 'n', description: 'Days (default: 60; silver: all that there are)' },
  formats: {
    type: 'enum',
    options: ['parquet', 'csv', 'both'],
    description: 'Formats (default: parquet; silver: both; join: each of the three)',
  },
  'output-base-dir': {
    type: 'string',
    valueHint: 'folder',
    description: `Where they go (default: ./${ROOT}/source_samples; silver, join: ./${ROOT}/<layer>_samples)`,
  },
  ...SIZE_ARGS,
  ...BUILT_ARGS,
  ...SILVER_ARGS,
  ...JOIN_ARGS,
  'dry-run': { ...MODE_ARGS['dry-run'], description: 'List what would be made. Writes nothing' },
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

export const samplesCommand = defineCommand({
  meta: {
    name: 'foundry samples',
    description: 'Invented source data, and the Silver of each model from it',
  },
  args,
  async run({ args: given, data }) {
    const session = openSession('samples', given, data.signal);
    const layer = given.layer ?? 'bronze';
    if (layer !== 'bronze' && layer !== 'silver' && layer !== 'join') {
      throw new FoundryError('USE001', `foundry samples makes bronze, silver or join, not "${layer}"`);
    }
    const isPlan = given['dry-run'] === true;
    const shared = { progress: session.progress('samples'), signal: session.signal };
    const base = given['output-base-dir'];
    if (layer === 'join') {
      refuseFlagsOf(
        given,
        ['days', ...Object.keys({ ...SIZE_ARGS, ...SILVER_ARGS })],
        'other samples; it says nothing to join',
      );
      const { makeJoinSamples, planJoinSamples } = await import('../../samples/join.ts');
      const names = given.formats === undefined ? (['parquet', 'csv', 'both'] as const) : [given.formats];
      const options = {
        ...session,
        ...shared,
        patterns: patternsOf(given.patterns ?? '1,2,3'),
        models: modelsOf(given.models),
        formats: names.map(formatsOf),
        bases: {
          silver: given['silver-base-dir'] ?? join(ROOT, 'silver_samples'),
          join: base ?? join(ROOT, 'join_samples'),
        },
      };
      return emitResults(
        session,
        await collect((isPlan ? planJoinSamples : makeJoinSamples)(options)),
        renderJoinSample,
      );
    }
    refuseFlagsOf(given, Object.keys(JOIN_ARGS), '`foundry samples join`');
    if (layer === 'silver') {
      refuseFlagsOf(given, Object.keys(SIZE_ARGS), 'the source samples; they say nothing to silver');
      const { makeSilverSamples, planSilverSamples } = await import('../../samples/silver.ts');
      const days = given.days === undefined ? undefined : sizesOf({ days: given.days }).days;
      const options = {
        ...session,
        ...shared,
        patterns: patternsOf(given.patterns ?? '1,2,3'),
        models: modelsOf(given.models),
        formats: formatsOf(given.formats ?? 'both'),
        ...(days === undefined ? {} : { days }),
        bases: {
          source: given['source-base-dir'] ?? join(ROOT, 'source_samples'),
          bronze: given['bronze-base-dir'] ?? join(ROOT, 'bronze_samples'),
          silver: base ?? join(ROOT, 'silver_samples'),
        },
      };
      const results = await collect((isPlan ? planSilverSamples : makeSilverSamples)(options));
      return emitResults(session, results, renderSilverSample);
    }
    refuseFlagsOf(given, Object.keys({ ...SILVER_ARGS, ...BUILT_ARGS }), '`foundry samples silver`');
    const { makeSamples, planSamples } = await import('../../samples/bronze.ts');
    const options = {
      ...shared,
      base: base ?? join(ROOT, 'source_samples'),
      patterns: patternsOf(given.patterns),
      sizes: sizesOf(given),
      formats: formatsOf(given.formats ?? 'parquet'),
    };
    const results = await collect((isPlan ? planSamples : makeSamples)(options));
    return emitResults(session, results, renderBronzeSample);
  },
});

/** What was made before a failure is still told. */
async function collect<R extends { readonly dataset: string }>(
  reports: AsyncIterable<R>,
): Promise<DatasetResult<R>[]> {
  const results: DatasetResult<R>[] = [];
  try {
    for await (const report of reports) results.push({ dataset: report.dataset, report });
  } catch (error) {
    results.push({ dataset: results.length === 0 ? 'samples' : 'what follows', error });
  }
  return results;
}
