import { type ArgsDef, defineCommand } from 'citty';
import { FoundryError } from '../../core/errors.ts';
import { OUTPUT_ARGS } from '../args.ts';
import { emitReports } from '../emit.ts';
import { atLeastOne } from '../numbers.ts';
import { openSession } from '../session.ts';
import { READERS, type ReaderName, readerSnippet } from '../show/files.ts';
import type { ShownFolder, ShownPartition } from '../show/partition.ts';
import { renderFolder, renderPartition } from '../show/render.ts';

const args = {
  path: {
    type: 'positional',
    required: false,
    valueHint: 'folder',
    description: 'A partition of Bronze or Silver, or a folder above some; a path or a URI',
  },
  rows: { type: 'string', valueHint: 'n', description: 'How many first rows (default: 5)' },
  files: { type: 'boolean', description: 'Only the committed data files, one a line' },
  as: {
    type: 'enum',
    options: [...READERS],
    description: 'With --files: a statement that reads exactly them, ready to paste',
  },
  artifact: { type: 'string', valueHint: 'name', description: 'With --files: only this artifact’s' },
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

export const showCommand = defineCommand({
  meta: { name: 'foundry show', description: 'A partition: metadata, columns, first rows, history, files' },
  args,
  async run({ args: given, data }) {
    const session = openSession('show', given, data.signal);
    const path = given.path;
    if (path === undefined) {
      throw new FoundryError('USE001', 'no folder is named', {
        hint: 'For example: foundry show output/system=shop/table=orders/pattern=full/dt=2025-01-05',
      });
    }
    if (given.files !== true && (given.as !== undefined || given.artifact !== undefined)) {
      throw new FoundryError('USE001', '--as and --artifact belong to --files');
    }
    const { showPath } = await import('../show/partition.ts');
    const shown = await showPath(path, {
      ...session,
      rows: given.files === true ? 0 : (atLeastOne('--rows', given.rows) ?? 5),
      history: given.files === true ? 0 : 10,
      now: session.clock.now(),
      warn: session.log.warn,
    });
    if (given.files === true) return emitFiles(shown, given);
    const width = process.stdout.columns || 100;
    return emitReports(session.command, given.output, [shown], (report) =>
      'partitions' in report ? renderFolder(report) : renderPartition(report, width),
    );
  },
});

interface FilesArgs {
  readonly as?: ReaderName | undefined;
  readonly artifact?: string | undefined;
  readonly output?: string | undefined;
}

function emitFiles(shown: ShownPartition | ShownFolder, given: FilesArgs): number {
  if ('partitions' in shown) {
    throw new FoundryError('USE001', `${shown.location} is no partition; --files lists those of one`, {
      hint: `See \`foundry show ${shown.location}\` for the partitions below it.`,
    });
  }
  const groups = shown.files.filter(
    (group) => given.artifact === undefined || group.artifact === given.artifact,
  );
  if (groups.length === 0 && given.artifact !== undefined) {
    const known = shown.files.flatMap((group) => group.artifact ?? []).join(', ');
    throw new FoundryError(
      'USE001',
      `there is no artifact "${given.artifact}"; there are: ${known || 'none'}`,
    );
  }
  const { as } = given;
  return emitReports('show', given.output, groups, (group) =>
    as === undefined ? group.files.map((file) => file.location).join('\n') : readerSnippet(group, as),
  );
}
