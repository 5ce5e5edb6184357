import { type ArgsDef, defineCommand } from 'citty';
import type { Overrides } from '../../config/overrides.ts';
import type { DatasetSpec } from '../../config/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import {
  CONFIG_ARGS,
  DEPRECATED_ARGS,
  ENGINE_ARGS,
  MODE_ARGS,
  OPERATION_ARGS,
  OUTPUT_ARGS,
  STORAGE_ARGS,
} from '../args.ts';
import { loadDatasets } from '../datasets.ts';
import { forEachDataset } from '../each-dataset.ts';
import { emitResults } from '../emit.ts';
import { commaList } from '../flag-values.ts';
import { operate } from '../operate.ts';
import { renderSilverPlan, renderSilverReport } from '../render-silver.ts';
import { openSession, type Session } from '../session.ts';
import { createContainers, enforceScope, refuseWebhooks } from '../storage-flags.ts';
import { emitValidated } from '../validate.ts';

const args = {
  ...CONFIG_ARGS,
  'bronze-path': {
    type: 'string',
    valueHint: 'folder',
    description: 'Bronze partition to read, instead of the run date’s',
  },
  'silver-base': { type: 'string', valueHint: 'folder', description: 'Base folder of Silver' },
  pattern: {
    type: 'enum',
    options: ['auto', 'full', 'cdc', 'current_history'],
    description: 'Load pattern (default: auto, what Bronze says)',
  },
  'primary-key': { type: 'string', valueHint: 'a,b', description: 'Override the key columns' },
  'order-column': {
    type: 'string',
    valueHint: 'column',
    description: 'Override the column that orders versions',
  },
  'silver-model': { type: 'string', valueHint: 'model', description: 'Override the Silver model' },
  'write-parquet': {
    type: 'boolean',
    description: 'Write Parquet',
    negativeDescription: 'Do not write Parquet',
  },
  'write-csv': { type: 'boolean', description: 'Write CSV', negativeDescription: 'Do not write CSV' },
  'parquet-compression': {
    type: 'enum',
    options: ['snappy', 'zstd', 'gzip', 'none'],
    description: 'Override the compression of Parquet',
  },
  'full-output-name': { type: 'string', valueHint: 'name', description: 'Base name of the full snapshot' },
  'cdc-output-name': { type: 'string', valueHint: 'name', description: 'Base name of the change set' },
  'current-output-name': { type: 'string', valueHint: 'name', description: 'Base name of the current view' },
  'history-output-name': { type: 'string', valueHint: 'name', description: 'Base name of the history' },
  'require-checksum': {
    type: 'boolean',
    description: 'Verify every Bronze file before reading',
    negativeDescription: 'Do not verify',
  },
  'use-locks': {
    type: 'boolean',
    description: 'Wait for a dataset that another run holds, as --lock-timeout 60 (locks are always used)',
  },
  ...MODE_ARGS,
  ...ENGINE_ARGS,
  ...OPERATION_ARGS,
  ...STORAGE_ARGS,
  ...OUTPUT_ARGS,
  ...DEPRECATED_ARGS,
} as const satisfies ArgsDef;

const TOUCHED = { source: false, bronze: true, silver: true };

type Given = Readonly<Record<string, unknown>>;

export const silverCommand = defineCommand({
  meta: { name: 'foundry silver', description: 'Promote a Bronze partition to Silver' },
  args,
  async run({ args: given, data }) {
    const session = openSession('silver', given, data.signal);
    if (session.runDate.hour !== undefined) {
      throw new FoundryError(
        'USE001',
        '--date with an hour names one Bronze partition; Silver promotes a whole date',
        {
          hint: 'Leave the hour out, or name the one partition with --bronze-path.',
        },
      );
    }
    await refuseWebhooks(given, session);
    const datasets = await datasetsOf(given, session);
    await enforceScope(
      given,
      datasets.map((spec) => readingFrom(spec, given['bronze-path'])),
      TOUCHED,
    );
    if (given['validate-only'] === true) return emitValidated(session, datasets);

    const bronzePath = given['bronze-path'];
    const options = (spec: DatasetSpec) => ({
      ...session,
      progress: session.progress(spec.name),
      pattern: given.pattern ?? 'auto',
      ...(bronzePath === undefined ? {} : { bronzePath }),
    });
    if (given['dry-run'] === true) {
      const { planSilver } = await import('../../silver/plan.ts');
      const plans = await forEachDataset(datasets, session, (spec) => planSilver(spec, options(spec)));
      return emitResults(session, plans, renderSilverPlan);
    }
    await createContainers(given, datasets, ['silver'], session);
    const { runSilver } = await import('../../silver/run.ts');
    const reports = await operate(session, datasets, ['silver'], (perform) =>
      perform(datasets, ['silver'], (spec) => runSilver(spec, options(spec))),
    );
    return emitResults(session, reports, renderSilverReport);
  },
});

/** A dataset as policies see it, whose Bronze may lie where the flag says. */
function readingFrom(spec: DatasetSpec, bronzePath: string | undefined): DatasetSpec {
  return bronzePath === undefined ? spec : { ...spec, bronze: { ...spec.bronze, base: bronzePath } };
}

/** The datasets of the configs with the flags laid over them, or the one that the flags alone describe. */
async function datasetsOf(
  given: Given & { config?: string | undefined; 'source-name'?: string | undefined },
  session: Session,
): Promise<DatasetSpec[]> {
  const { adHocSilver, applyOverrides } = await import('../../config/overrides.ts');
  const overrides = overridesOf(given);
  const bronzePath = given['bronze-path'];
  if (given.config === undefined && typeof bronzePath === 'string')
    return [adHocSilver(bronzePath, overrides)];
  const sourceName = given['source-name'];
  const datasets = await loadDatasets({ config: given.config, sourceName }, session);
  refuseUnnamed(datasets, sourceName);
  return datasets.map((spec) => applyOverrides(spec, overrides));
}

/** As the original (scenario 68): which of several sources is promoted is said, never guessed. */
function refuseUnnamed(datasets: readonly DatasetSpec[], sourceName: string | undefined): void {
  if (sourceName !== undefined) return;
  const shared = datasets.find(
    (spec, i) => datasets.findIndex((other) => other.configPath === spec.configPath) < i,
  );
  if (shared === undefined) return;
  const names = datasets.filter((spec) => spec.configPath === shared.configPath).map((spec) => spec.name);
  throw new FoundryError('USE001', `${shared.configPath} holds several sources: ${names.join(', ')}`, {
    hint: "Name those to promote with --source-name, or all of them with --source-name '*'.",
  });
}

function overridesOf(given: Given): Overrides {
  const text = (name: string): string | undefined => {
    const value = given[name];
    return typeof value === 'string' ? value : undefined;
  };
  const keys = commaList(text('primary-key'));
  const pattern = text('pattern');
  return dropUndefined({
    loadPattern: pattern === 'auto' ? undefined : pattern,
    silverBase: text('silver-base'),
    primaryKeys: keys.length === 0 ? undefined : keys,
    orderColumn: text('order-column'),
    silverModel: text('silver-model'),
    writeParquet: given['write-parquet'],
    writeCsv: given['write-csv'],
    compression: text('parquet-compression'),
    requireChecksum: given['require-checksum'],
    outputNames: outputNamesOf(text),
  });
}

function outputNamesOf(text: (name: string) => string | undefined): Overrides['outputNames'] {
  const names = Object.fromEntries(
    (['full', 'cdc', 'current', 'history'] as const).flatMap((artifact) => {
      const name = text(`${artifact}-output-name`);
      return name === undefined ? [] : [[artifact, name]];
    }),
  );
  return Object.keys(names).length === 0 ? undefined : names;
}

function dropUndefined(values: Readonly<Record<string, unknown>>): Overrides {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Overrides;
}
