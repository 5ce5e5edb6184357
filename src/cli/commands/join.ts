import { type ArgsDef, defineCommand } from 'citty';
import type { JoinSpec } from '../../config/join/spec.ts';
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
import { loadConfigs } from '../datasets.ts';
import { forEachDataset } from '../each-dataset.ts';
import { emitResults } from '../emit.ts';
import { operate } from '../operate.ts';
import { renderJoinPlan, renderJoinReport } from '../render-join.ts';
import { openSession } from '../session.ts';
import { createContainers, enforceScope, refuseWebhooks } from '../storage-flags.ts';
import { emitValidated } from '../validate.ts';

const args = {
  config: CONFIG_ARGS.config,
  date: {
    ...CONFIG_ARGS.date,
    valueHint: 'YYYY-MM-DD',
    description: 'Logical run date (default: today, UTC)',
  },
  ...MODE_ARGS,
  'memory-limit': ENGINE_ARGS['memory-limit'],
  threads: ENGINE_ARGS.threads,
  'lock-timeout': ENGINE_ARGS['lock-timeout'],
  ...OPERATION_ARGS,
  ...STORAGE_ARGS,
  ...OUTPUT_ARGS,
  'run-context': DEPRECATED_ARGS['run-context'],
} as const satisfies ArgsDef;

const NO_LAYERS = { source: false, bronze: false, silver: false } as const;

export const joinCommand = defineCommand({
  meta: { name: 'foundry join', description: 'Join two Silver tables into one' },
  args,
  async run({ args: given, data }) {
    const session = openSession('join', given, data.signal);
    if (session.runDate.hour !== undefined)
      throw new FoundryError('USE001', '--date with an hour names one Bronze partition; a join has none');
    await refuseWebhooks(given, session);
    const { joins } = await loadConfigs({ config: given.config }, session);
    if (joins.length === 0) {
      throw new FoundryError('CFG001', `${given.config} has no silver_join section`, {
        hint: 'See `foundry init --example silver_join_example` for one.',
      });
    }
    await enforceScope(given, [], NO_LAYERS, joins);
    if (given['validate-only'] === true) return emitValidated(session, [], joins);
    const options = (spec: JoinSpec) => ({ ...session, progress: session.progress(spec.name) });
    if (given['dry-run'] === true) {
      const { planJoin } = await import('../../join/plan.ts');
      const plans = await forEachDataset(joins, session, (spec) => planJoin(spec, options(spec)));
      return emitResults(session, plans, renderJoinPlan);
    }
    await createContainers(given, joins, [], session);
    const { runJoin } = await import('../../join/run.ts');
    const reports = await operate(session, joins, ['join'], (perform) =>
      perform(joins, ['join'], (spec) => runJoin(spec, options(spec))),
    );
    return emitResults(session, reports, renderJoinReport);
  },
});
