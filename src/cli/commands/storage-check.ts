import { type ArgsDef, defineCommand } from 'citty';
import { FoundryError } from '../../core/errors.ts';
import type { Verdict } from '../../storage/check.ts';
import { CONFIG_ARGS, OUTPUT_ARGS, STORAGE_ARGS } from '../args.ts';
import { loadConfigs } from '../datasets.ts';
import { emitReports } from '../emit.ts';
import { openSession, type Session } from '../session.ts';
import { type WrittenPlace, writtenPlaces } from '../written-places.ts';

const args = {
  place: {
    type: 'positional',
    required: false,
    valueHint: 'place...',
    description: 'A folder or a URI: s3://bucket/prefix, az://container/prefix. Several may be named',
  },
  config: { ...CONFIG_ARGS.config, description: 'Also, or instead: the storages of these configs' },
  'source-name': CONFIG_ARGS['source-name'],
  'create-container': STORAGE_ARGS['create-container'],
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

const FAILED = 5;

export const storageCheckCommand = defineCommand({
  meta: {
    name: 'foundry storage check',
    description: 'Try what a run needs of a storage: list, write, read, conditional write, delete',
  },
  args,
  async run({ args: given, data }) {
    const session = openSession('storage check', { ...given, 'validate-only': true }, data.signal);
    const { datasets, joins } =
      given.config === undefined
        ? { datasets: [], joins: [] }
        : await loadConfigs({ config: given.config, sourceName: given['source-name'] }, session);
    const places = [
      ...given._.map((base) => ({ base })),
      ...writtenPlaces([...datasets, ...joins], ['bronze', 'silver']),
    ];
    if (places.length === 0) {
      throw new FoundryError('USE001', 'no storage is named', {
        hint: 'For example: foundry storage check s3://lake/bronze, or foundry storage check --config orders.yaml',
      });
    }
    const reports = [];
    for (const place of places) {
      reports.push(await check(place, given['create-container'] === true, session));
    }
    const isSound = reports.every(({ status }) => status === 'ok');
    return emitReports(session.command, given.output, reports, render, isSound ? 0 : FAILED);
  },
});

interface Report {
  readonly place: string;
  readonly status: 'ok' | 'failed';
  readonly verdicts: readonly Verdict[];
}

async function check(place: WrittenPlace, create: boolean, session: Session): Promise<Report> {
  const { checkStorage } = await import('../../storage/check.ts');
  const { openStorage } = await import('../../storage/open.ts');
  if (create) {
    const { createContainer } = await import('../../storage/create-container.ts');
    await createContainer(place, session);
  }
  let isEmulated = false;
  const storage = openStorage(place.base, {
    connections: place.connections,
    signal: session.signal,
    warn: () => {
      isEmulated = true;
    },
    debug: session.log.debug,
    retry: { attempts: 3 },
  });
  const verdicts = await checkStorage(storage, () => isEmulated);
  const isSound = verdicts.every(({ verdict }) => verdict === 'ok' || verdict === 'emulated');
  return { place: storage.description, status: isSound ? 'ok' : 'failed', verdicts };
}

function render({ place, status, verdicts }: Report): string {
  const lines = verdicts.map(({ permission, verdict, code, message, hint }) => {
    const name = permission.replace('_', ' ').padEnd(18);
    const why = message === undefined ? '' : `  ${code === undefined ? '' : `[${code}] `}${message}`;
    const next = hint === undefined || message === undefined ? '' : `\n${' '.repeat(20)}what to do: ${hint}`;
    const how = verdict === 'emulated' ? '  by lock objects: a weaker promise' : '';
    return `  ${name}${verdict}${how}${why}${next}`;
  });
  return [`${place}: ${status}`, ...lines].join('\n');
}
