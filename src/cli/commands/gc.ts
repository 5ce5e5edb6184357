import { type ArgsDef, defineCommand } from 'citty';
import { formatBytes } from '../../core/bytes.ts';
import { FoundryError } from '../../core/errors.ts';
import type { Leftover } from '../../lake/leftover.ts';
import { CONFIG_ARGS, OUTPUT_ARGS } from '../args.ts';
import { emitReports } from '../emit.ts';
import { lakePlaces, requireFolders } from '../lake-places.ts';
import { openSession } from '../session.ts';

const args = {
  path: {
    type: 'positional',
    required: false,
    valueHint: 'folder...',
    description: 'A lake or a folder of one; a path or a URI. Several may be named',
  },
  config: { ...CONFIG_ARGS.config, description: 'Instead: the tables of the datasets of these configs' },
  'source-name': CONFIG_ARGS['source-name'],
  'older-than': {
    type: 'string',
    valueHint: 'hours',
    description: 'Only what is older (default and least: 24 hours)',
  },
  delete: { type: 'boolean', description: 'Remove what is found; without it nothing is changed' },
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

const HOUR_MS = 3_600_000;
const LEAST_HOURS = 24;

export const gcCommand = defineCommand({
  meta: {
    name: 'foundry gc',
    description: 'Find, and with --delete remove, what runs that died left behind',
  },
  args,
  async run({ args: given, data }) {
    const remove = given.delete === true;
    const session = openSession('gc', { ...given, 'validate-only': true }, data.signal);
    const olderThanMs = hoursOf(given['older-than']) * HOUR_MS;
    await requireFolders(given._);
    const { collectGarbage } = await import('../../lake/gc.ts');
    const found = new Map<string, Leftover>();
    for (const { lake, prefix } of await lakePlaces(given, session)) {
      const options = { signal: session.signal, remove, olderThanMs, now: session.clock.now() };
      for (const leftover of await collectGarbage(lake, prefix, options)) {
        found.set(`${lake.storage.description}/${leftover.key} ${leftover.since}`, leftover);
      }
    }
    const report = { removing: remove, leftovers: [...found.values()] };
    return emitReports(session.command, given.output, [report], render);
  },
});

function hoursOf(text: string | undefined): number {
  if (text === undefined) return LEAST_HOURS;
  if (!/^\d{1,6}$/.test(text) || Number(text) < LEAST_HOURS) {
    throw new FoundryError(
      'USE001',
      `--older-than: "${text}" is not a number of hours of ${LEAST_HOURS} or more`,
      {
        hint: 'What is younger may belong to a run that is under way.',
      },
    );
  }
  return Number(text);
}

function render({ removing, leftovers }: { removing: boolean; leftovers: readonly Leftover[] }): string {
  if (leftovers.length === 0) return 'nothing is left behind';
  const lines = leftovers.map(({ kind, key, size_bytes, since, status, reason }) => {
    const size = size_bytes === null ? kind : formatBytes(size_bytes);
    return `${status.padEnd(8)} ${size.padStart(9)}  ${since.slice(0, 16).replace('T', ' ')}  ${key}${reason === undefined ? '' : `: ${reason}`}`;
  });
  const bytes = leftovers.reduce((sum, { size_bytes }) => sum + (size_bytes ?? 0), 0);
  const total = `${leftovers.length} leftovers, ${formatBytes(bytes)}`;
  return [...lines, removing ? total : `${total}; nothing was changed, --delete removes them`].join('\n');
}
