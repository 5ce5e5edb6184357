import { type ArgsDef, defineCommand } from 'citty';
import { formatBytes } from '../../core/bytes.ts';
import { FoundryError } from '../../core/errors.ts';
import type { VerifiedPartition } from '../../lake/verify.ts';
import { CONFIG_ARGS, OUTPUT_ARGS } from '../args.ts';
import { emitReports } from '../emit.ts';
import { lakePlaces } from '../lake-places.ts';
import { atLeastOne } from '../numbers.ts';
import { openSession } from '../session.ts';

const args = {
  path: {
    type: 'positional',
    required: false,
    valueHint: 'folder...',
    description: 'A partition, or a folder above some; a path or a URI. Several may be named',
  },
  config: { ...CONFIG_ARGS.config, description: 'Instead: all partitions of the datasets of these configs' },
  'source-name': CONFIG_ARGS['source-name'],
  parallel: { type: 'string', valueHint: 'n', description: 'Files that are read at a time (default: 8)' },
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

const DAMAGED = 3;

export const verifyCommand = defineCommand({
  meta: { name: 'foundry verify', description: 'Check every file of a lake against its manifest' },
  args,
  async run({ args: given, data }) {
    const session = openSession('verify', { ...given, 'validate-only': true }, data.signal);
    const parallel = atLeastOne('--parallel', given.parallel) ?? 8;
    const { verifyTree } = await import('../../lake/verify.ts');
    const progress = session.progress('verify');
    const found = new Map<string, VerifiedPartition>();
    let nowhere: unknown;
    for (const { lake, prefix } of await lakePlaces(given, session)) {
      try {
        const verified = await verifyTree(lake, prefix, {
          signal: session.signal,
          parallel,
          onBytes: progress.bytes,
        });
        for (const partition of verified) found.set(partition.location, partition);
      } catch (error) {
        // A dataset that has landed but was never promoted is no failure, as long as anything is there.
        if (!(error instanceof FoundryError) || error.code !== 'EXT001' || given.config === undefined)
          throw error;
        nowhere = error;
      }
    }
    session.clearProgress();
    if (found.size === 0 && nowhere !== undefined) throw nowhere;
    const partitions = [...found.values()];
    const damaged = partitions.filter(({ status }) => status === 'damaged').length;
    const report = {
      status: damaged === 0 ? 'intact' : 'damaged',
      partitions: partitions.length,
      damaged,
      files: partitions.reduce((sum, { files }) => sum + files, 0),
      bytes: partitions.reduce((sum, { bytes }) => sum + bytes, 0),
      details: partitions,
    };
    return emitReports(session.command, given.output, [report], render, damaged === 0 ? 0 : DAMAGED);
  },
});

interface Report {
  readonly partitions: number;
  readonly damaged: number;
  readonly files: number;
  readonly bytes: number;
  readonly details: readonly VerifiedPartition[];
}

function render({ partitions, damaged, files, bytes, details }: Report): string {
  const lines = details.flatMap(({ location, status, problems, notes }) => {
    if (status === 'intact' && notes.length === 0) return [];
    return [
      `${location}: ${status}`,
      ...problems.map(({ file, problem, message }) => `  ${problem.padEnd(9)} ${file}: ${message}`),
      ...notes.map((note) => `  note      ${note}`),
    ];
  });
  const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
  const total = `${counted(partitions, 'partition')}, ${counted(files, 'file')}, ${formatBytes(bytes)}`;
  return [...lines, `${damaged === 0 ? 'intact' : `${damaged} damaged`}: ${total}`].join('\n');
}
