import { type ArgsDef, defineCommand } from 'citty';
import type { DatasetSpec } from '../../config/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import type { IntentOptions } from '../../intent/run.ts';
import type { StepReport } from '../../observe/outcome.ts';
import {
  CHECK_ARGS,
  CONFIG_ARGS,
  ENGINE_ARGS,
  INCREMENTAL_ARGS,
  MODE_ARGS,
  OPERATION_ARGS,
  OUTPUT_ARGS,
  STORAGE_ARGS,
} from '../args.ts';
import { loadConfigs } from '../datasets.ts';
import { forEachDataset } from '../each-dataset.ts';
import { emitResults } from '../emit.ts';
import { connectionChecks, incrementalFlags } from '../flag-values.ts';
import { joinsAfter, planJoins } from '../join-step.ts';
import { operate } from '../operate.ts';
import { renderLayerPlan, renderLayerReport } from '../render-layer.ts';
import { refuseSamePartition } from '../same-partition.ts';
import { openSession } from '../session.ts';
import { createContainers, enforceScope, refuseWebhooks } from '../storage-flags.ts';
import { emitValidated } from '../validate.ts';

const args = {
  ...CONFIG_ARGS,
  'batch-id': {
    type: 'string',
    valueHint: 'id',
    description: 'Address one Bronze batch partition, to replace it',
  },
  ...INCREMENTAL_ARGS,
  'skip-bronze': { type: 'boolean', description: 'Only promote what has landed already' },
  'skip-silver': { type: 'boolean', description: 'Only land; a join of the config is left out too' },
  'skip-join': { type: 'boolean', description: 'Leave the join of the config out' },
  ...MODE_ARGS,
  ...CHECK_ARGS,
  ...ENGINE_ARGS,
  ...OPERATION_ARGS,
  ...STORAGE_ARGS,
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

export const runIntentCommand = defineCommand({
  meta: { name: 'foundry run-intent', description: 'Bronze, then Silver, then the join of one config' },
  args,
  async run({ args: given, data }) {
    const session = openSession('run-intent', given, data.signal);
    const checks = connectionChecks(given);
    const skipBronze = given['skip-bronze'] === true;
    const skipSilver = given['skip-silver'] === true;
    if (skipBronze && skipSilver) {
      throw new FoundryError('USE001', '--skip-bronze and --skip-silver together leave nothing to do');
    }
    await refuseWebhooks(given, session);
    const touched = { source: !skipBronze, bronze: true, silver: !skipSilver };
    const loaded = await loadConfigs({ config: given.config, sourceName: given['source-name'] }, session);
    const { datasets } = loaded;
    const joins = given['skip-join'] === true || skipSilver ? [] : loaded.joins;
    if (!skipBronze) refuseSamePartition(datasets, given['batch-id']);
    await enforceScope(given, datasets, touched, joins);
    if (given['validate-only'] === true) return emitValidated(session, datasets, joins);

    const { planIntent, runIntent } = await import('../../intent/run.ts');
    const incremental = incrementalFlags(given, datasets);
    const options = (spec: DatasetSpec): IntentOptions => ({
      ...session,
      progress: session.progress(spec.name),
      ...(given['batch-id'] === undefined ? {} : { batchId: given['batch-id'] }),
      ...incremental,
      ...checks,
      skipBronze,
      skipSilver,
    });
    if (given['dry-run'] === true) {
      const plans = await forEachDataset(datasets, session, (spec) => planIntent(spec, options(spec)));
      return emitResults(session, [...plans, ...(await planJoins(joins, session))], renderLayerPlan);
    }
    const layers = [...(skipBronze ? [] : ['bronze' as const]), ...(skipSilver ? [] : ['silver' as const])];
    await createContainers(given, [...datasets, ...joins], layers, session);
    const isPart = given['source-name'] !== undefined;
    const reports = await operate<StepReport>(session, [...datasets, ...joins], layers, async (perform) => {
      const built = await perform(datasets, layers, (spec) => runIntent(spec, options(spec)));
      return [...built, ...(await joinsAfter(built, joins, isPart, session, perform))];
    });
    return emitResults(session, reports, renderLayerReport);
  },
});
