import { hostname } from 'node:os';
import { type ArgsDef, defineCommand } from 'citty';
import { FoundryError } from '../../core/errors.ts';
import type { Pruned } from '../../lake/run-history.ts';
import type { RunRecord } from '../../lake/run-record.ts';
import { locationOf } from '../../storage/storage.ts';
import { CONFIG_ARGS, OUTPUT_ARGS } from '../args.ts';
import { loadDatasets } from '../datasets.ts';
import { emitReports, writeJson } from '../emit.ts';
import { atLeastOne } from '../numbers.ts';
import { count } from '../render.ts';
import { openSession, type Session } from '../session.ts';
import { renderColumns } from '../table.ts';
import { type WrittenPlace, writtenPlaces } from '../written-places.ts';

const args = {
  lakes: {
    type: 'positional',
    required: false,
    valueHint: 'folder...',
    description: 'Base folders of lakes, where their `_runs/` is',
  },
  config: { ...CONFIG_ARGS.config, description: 'Instead: the lakes, and the datasets, of these configs' },
  'source-name': CONFIG_ARGS['source-name'],
  limit: { type: 'string', valueHint: 'n', description: 'How many of the newest runs (default: 20)' },
  failed: { type: 'boolean', description: 'Only what failed, was interrupted or killed' },
  prune: { type: 'boolean', description: 'Instead: remove old records, those of all datasets' },
  'keep-days': {
    type: 'string',
    valueHint: 'n',
    description: 'With --prune: the days that are kept, by UTC, of which today is one',
  },
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

export const runsCommand = defineCommand({
  meta: { name: 'foundry runs', description: 'The runs of a lake, the newest first' },
  args,
  async run({ args: given, data }) {
    const session = openSession('runs', { ...given, 'validate-only': true }, data.signal);
    const limit = atLeastOne('--limit', given.limit) ?? 20;
    const keepDays = keptDays(given);
    const datasets =
      given.config === undefined
        ? undefined
        : await loadDatasets({ config: given.config, sourceName: given['source-name'] }, session);
    const bases =
      datasets === undefined
        ? given._.map((base) => ({ base }))
        : writtenPlaces(datasets, ['bronze', 'silver']);
    if (bases.length === 0) {
      throw new FoundryError('USE001', 'no lake is named', {
        hint: 'For example: foundry runs output, or foundry runs --config orders.yaml',
      });
    }
    if (keepDays !== undefined) {
      return emitReports(session.command, given.output, await pruned(bases, keepDays, session), renderPruned);
    }
    const names = datasets === undefined ? undefined : new Set(datasets.map((spec) => spec.name));
    const wanted = (record: RunRecord): boolean =>
      (names === undefined || names.has(record.dataset)) &&
      (given.failed !== true || record.error !== undefined || outcomeOf(record) === 'killed');
    const records = await history(bases, limit, wanted, session);
    if (session.output === 'json') {
      writeJson(
        session.command,
        0,
        records.map((report) => ({
          dataset: report.dataset,
          report: { ...report, outcome: outcomeOf(report) },
        })),
      );
    } else process.stdout.write(`${records.length === 0 ? 'no runs are recorded' : renderRuns(records)}\n`);
    return 0;
  },
});

async function history(
  bases: readonly WrittenPlace[],
  limit: number,
  wanted: (record: RunRecord) => boolean,
  session: Session,
): Promise<readonly RunRecord[]> {
  const { openStorage } = await import('../../storage/open.ts');
  const { readRunHistory } = await import('../../lake/run-history.ts');
  const found: RunRecord[] = [];
  for (const { base, connections } of bases) {
    const storage = openStorage(base, { connections, signal: session.signal });
    const query = { limit, wanted, now: session.clock.now(), warn: session.log.warn };
    found.push(...(await readRunHistory(storage, query)));
  }
  return found.sort((a, b) => (a.started_at < b.started_at ? 1 : -1)).slice(0, limit);
}

interface PruneArgs {
  readonly prune?: boolean | undefined;
  readonly 'keep-days'?: string | undefined;
  readonly config?: string | undefined;
}

/** Undefined where nothing is to be removed. @throws USE001 where it is not said which, or not clear of what. */
function keptDays({ prune, 'keep-days': text, config }: PruneArgs): number | undefined {
  const keepDays = atLeastOne('--keep-days', text);
  if (prune !== true && keepDays === undefined) return undefined;
  if (prune !== true || keepDays === undefined) {
    throw new FoundryError('USE001', '--prune and --keep-days go together', {
      hint: 'For example: foundry runs output --prune --keep-days 90',
    });
  }
  if (config !== undefined) {
    throw new FoundryError(
      'USE001',
      '--prune removes records of all datasets of a lake, so it takes no --config',
      {
        hint: 'Name the base folders: foundry runs output --prune --keep-days 90',
      },
    );
  }
  return keepDays;
}

interface PrunedLake extends Pruned {
  readonly lake: string;
}

async function pruned(
  bases: readonly WrittenPlace[],
  keepDays: number,
  session: Session,
): Promise<readonly PrunedLake[]> {
  const { openStorage } = await import('../../storage/open.ts');
  const { pruneRunHistory } = await import('../../lake/run-history.ts');
  const reports: PrunedLake[] = [];
  for (const { base, connections } of bases) {
    const { signal } = session;
    const storage = openStorage(base, { connections, signal });
    const removed = await pruneRunHistory(storage, { keepDays, now: session.clock.now(), signal });
    reports.push({ lake: locationOf(storage, ''), ...removed });
  }
  return reports;
}

function renderPruned({ lake, records, days, kept_from }: PrunedLake): string {
  return records === 0
    ? `${lake}: no records from before ${kept_from}`
    : `${lake}: removed ${count(records)} records of ${count(days)} days, from before ${kept_from}`;
}

export function renderRuns(records: readonly RunRecord[]): string {
  return renderColumns(
    ['started', 'run', 'dataset', 'layer', 'date', 'outcome', 'rows', 'seconds', 'why'],
    records.map((record) => [
      record.started_at.slice(0, 19).replace('T', ' '),
      record.run_id.slice(-8),
      record.dataset,
      record.layer,
      record.run_date,
      outcomeOf(record),
      rowsOf(record),
      record.seconds?.toFixed(2) ?? '',
      record.error === undefined
        ? ''
        : (`${record.error.code} ${record.error.message}`.split('\n', 1)[0] ?? ''),
    ]),
    ['rows', 'seconds'],
  );
}

/** A run of this host whose process is no more did not come to its end. */
function outcomeOf({ outcome, host, pid }: RunRecord): string {
  if (outcome !== 'running' || host !== hostname()) return outcome;
  try {
    process.kill(pid, 0);
    return outcome;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH' ? 'killed' : outcome;
  }
}

function rowsOf({ rows }: RunRecord): string {
  const written = rows?.landed ?? rows?.written;
  return written === undefined ? '' : count(written);
}
