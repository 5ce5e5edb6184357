import { type ArgsDef, defineCommand } from 'citty';
import {
  CHECK_ARGS,
  CONFIG_ARGS,
  DEPRECATED_ARGS,
  ENGINE_ARGS,
  INCREMENTAL_ARGS,
  MODE_ARGS,
  OPERATION_ARGS,
  OUTPUT_ARGS,
  PREVIEW_ARGS,
  RECORDING_ARGS,
  STORAGE_ARGS,
} from '../args.ts';
import { loadDatasets } from '../datasets.ts';
import { forEachDataset } from '../each-dataset.ts';
import { emitResults } from '../emit.ts';
import { connectionChecks, incrementalFlags, previewRows, recordingOf } from '../flag-values.ts';
import { operate } from '../operate.ts';
import { renderBronzePlan, renderBronzeReport } from '../render-bronze.ts';
import { renderPreview } from '../render-preview.ts';
import { refuseSamePartition } from '../same-partition.ts';
import { openSession } from '../session.ts';
import { createContainers, enforceScope, refuseWebhooks } from '../storage-flags.ts';
import { emitValidated } from '../validate.ts';

const args = {
  ...CONFIG_ARGS,
  'batch-id': { type: 'string', valueHint: 'id', description: 'Address one batch partition, to replace it' },
  'load-pattern': {
    type: 'enum',
    options: ['full', 'cdc', 'current_history'],
    description: 'Override the load pattern of every config',
  },
  ...INCREMENTAL_ARGS,
  ...MODE_ARGS,
  ...CHECK_ARGS,
  ...PREVIEW_ARGS,
  ...RECORDING_ARGS,
  'list-backends': { type: 'boolean', description: 'List the storage backends and stop' },
  ...ENGINE_ARGS,
  ...OPERATION_ARGS,
  ...STORAGE_ARGS,
  ...OUTPUT_ARGS,
  ...DEPRECATED_ARGS,
} as const satisfies ArgsDef;

const BACKENDS =
  'Storage backends:\n- s3\n- azure\n- local\nAzure is Blob Storage and Data Lake Storage Gen2.\n';
const TOUCHED = { source: true, bronze: true, silver: false };

export const bronzeCommand = defineCommand({
  meta: { name: 'foundry bronze', description: 'Land sources into partitioned, checksummed Bronze' },
  args,
  async run({ args: given, data }) {
    if (given['list-backends'] === true) {
      process.stdout.write(BACKENDS);
      return 0;
    }
    const session = openSession('bronze', given, data.signal);
    await refuseWebhooks(given, session);
    const preview = previewRows(given);
    const recording = recordingOf(given);
    const checks = connectionChecks(given, { impliesPlan: true });
    const { applyOverrides } = await import('../../config/overrides.ts');
    const loadPattern = given['load-pattern'];
    const datasets = (
      await loadDatasets({ config: given.config, sourceName: given['source-name'] }, session)
    ).map((spec) => applyOverrides(spec, loadPattern === undefined ? {} : { loadPattern }));
    refuseSamePartition(datasets, given['batch-id']);
    await enforceScope(given, datasets, TOUCHED);
    if (given['validate-only'] === true) return emitValidated(session, datasets);

    const batchId = given['batch-id'];
    const incremental = incrementalFlags(given, datasets);
    const options = (label: string) => ({
      ...session,
      progress: session.progress(label),
      ...(batchId === undefined ? {} : { batchId }),
      ...incremental,
      ...checks,
      ...recording,
    });
    if (given['dry-run'] === true || checks.checkConnections === true) {
      const { planBronze } = await import('../../bronze/plan.ts');
      const plans = await forEachDataset(datasets, session, (spec) => planBronze(spec, options(spec.name)));
      return emitResults(session, plans, renderBronzePlan);
    }
    if (preview !== undefined) {
      const { previewBronze } = await import('../../bronze/preview.ts');
      const previews = await forEachDataset(datasets, session, (spec) =>
        previewBronze(spec, preview, options(spec.name)),
      );
      return emitResults(session, previews, (report) => renderPreview(report, process.stdout.columns ?? 120));
    }
    await createContainers(given, datasets, ['bronze'], session);
    const { runBronze } = await import('../../bronze/run.ts');
    const reports = await operate(session, datasets, ['bronze'], (perform) =>
      perform(datasets, ['bronze'], (spec) => runBronze(spec, options(spec.name))),
    );
    return emitResults(session, reports, renderBronzeReport);
  },
});
