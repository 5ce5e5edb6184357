import { join } from 'node:path';
import { type ArgsDef, defineCommand } from 'citty';
import { FoundryError } from '../../core/errors.ts';
import type { SampleReport } from '../../samples/bronze.ts';
import type { SilverSampleReport } from '../../samples/silver.ts';
import { ENGINE_ARGS, MODE_ARGS, OUTPUT_ARGS } from '../args.ts';
import { emitResults } from '../emit.ts';
import type { DatasetResult } from '../outcome.ts';
import { count, fileSummary, renderFacts, rowCount } from '../render.ts';
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
  models: { type: 'string', valueHint: 'a,b', description: 'Silver: only these models (default: all)' },
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
  'memory-limit': ENGINE_ARGS['memory-limit'],
  threads: ENGINE_ARGS.threads,
} as const satisfies ArgsDef;

const args = {
  layer: {
    type: 'positional',
    required: false,
    valueHint: 'bronze|silver',
    description: 'Source samples for Bronze (default), or Silver samples made from them',
  },
  patterns: {
    type: 'string',
    valueHint: '1,2',
    description: 'Only these patterns, by number or name (default: all; silver: 1 to 3)',
  },
  days: { type: 'string', valueHint: 'n', description: 'Days (default: 60; silver: all that there are)' },
  formats: {
    type: 'enum',
    options: ['parquet', 'csv', 'both'],
    description: 'Formats (default: parquet; silver: both)',
  },
  'output-base-dir': {
    type: 'string',
    valueHint: 'folder',
    description: `Where they go (default: ./${ROOT}/source_samples; silver: ./${ROOT}/silver_samples)`,
  },
  ...SIZE_ARGS,
  ...SILVER_ARGS,
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
    if (layer !== 'bronze' && layer !== 'silver') {
      throw new FoundryError('USE001', `foundry samples makes bronze or silver, not "${layer}"`);
    }
    const isPlan = given['dry-run'] === true;
    const shared = { progress: session.progress('samples'), signal: session.signal };
    const base = given['output-base-dir'];
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
      return emitResults(session, results, renderSilver);
    }
    refuseFlagsOf(given, Object.keys(SILVER_ARGS), '`foundry samples silver`');
    const { makeSamples, planSamples } = await import('../../samples/bronze.ts');
    const options = {
      ...shared,
      base: base ?? join(ROOT, 'source_samples'),
      patterns: patternsOf(given.patterns),
      sizes: sizesOf(given),
      formats: formatsOf(given.formats ?? 'parquet'),
    };
    const results = await collect((isPlan ? planSamples : makeSamples)(options));
    return emitResults(session, results, renderBronze);
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

function renderBronze(report: SampleReport): string {
  const { files, removed, status } = report;
  const sized = files.flatMap(({ size_bytes }) => (size_bytes === null ? [] : [{ size_bytes }]));
  return renderFacts(
    `${report.dataset}: ${status === 'planned' ? 'would make' : 'made'} ${rowCount(report.rows)}`,
    [
      ['dates', `${report.first_date} to ${report.last_date}`],
      ['at', report.location],
      ['files', status === 'planned' ? count(files.length) : fileSummary(sized)],
      ['removed', removed.length === 0 ? undefined : `${count(removed.length)} files of an earlier run`],
    ],
  );
}

function renderSilver({ dataset, location, partitions, status }: SilverSampleReport): string {
  const last = partitions.at(-1);
  const rows = Object.entries(last?.artifacts ?? {}).map(([artifact, rows]) => `${artifact} ${count(rows)}`);
  return renderFacts(
    `${dataset}: ${status === 'planned' ? 'would make' : 'made'} ${count(partitions.length)} load dates`,
    [
      ['dates', `${partitions[0]?.load_date ?? ''} to ${last?.load_date ?? ''}`],
      ['at', location],
      ['last', rows.length === 0 ? undefined : rows.join(', ')],
    ],
  );
}
