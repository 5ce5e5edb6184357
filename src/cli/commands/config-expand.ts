import { writeFile } from 'node:fs/promises';
import { type ArgsDef, defineCommand } from 'citty';
import { FoundryError } from '../../core/errors.ts';
import { CONFIG_ARGS, OUTPUT_ARGS } from '../args.ts';
import { configFiles, FILE_ARGS } from '../config-files.ts';
import { emitReports } from '../emit.ts';
import { type DatasetExpansion, expandDataset } from '../readiness.ts';
import { openSession } from '../session.ts';

const args = {
  ...FILE_ARGS,
  config: CONFIG_ARGS.config,
  date: CONFIG_ARGS.date,
  'output-file': {
    type: 'string',
    valueHint: 'file.yaml',
    description: 'Write the config there, with derived_paths in each dataset; takes one config',
  },
  force: { type: 'boolean', description: 'Replace the output file where it exists' },
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

export const configExpandCommand = defineCommand({
  meta: {
    name: 'foundry config expand',
    description: 'The Bronze and Silver paths of each dataset, and a readiness checklist',
  },
  args,
  async run({ args: given, data }) {
    const session = openSession('config expand', given, data.signal);
    const files = await configFiles(given, 'config expand');
    const target = given['output-file'];
    if (target !== undefined && files.length > 1) {
      throw new FoundryError('USE001', '--output-file takes one config at a time');
    }
    const { formatProblem, parseConfig, readText } = await import('../../config/load.ts');
    const reports: DatasetExpansion[] = [];
    for (const file of files) {
      const text = await readText(file);
      const { datasets, warnings } = parseConfig(file, text, process.env);
      for (const warning of warnings) session.log.warn(formatProblem(warning));
      const expanded: DatasetExpansion[] = [];
      for (const spec of datasets) expanded.push(await expandDataset(spec, session.runDate));
      reports.push(...expanded);
      if (target !== undefined) await write(target, text, expanded, given.force === true);
    }
    const exitCode = emitReports(session.command, given.output, reports, render);
    if (target !== undefined) session.log.info(`${target} is written`);
    return exitCode;
  },
});

async function write(
  target: string,
  text: string,
  expanded: readonly DatasetExpansion[],
  force: boolean,
): Promise<void> {
  const { withDerivedPaths } = await import('../../config/tools/expand.ts');
  const annotated = withDerivedPaths(
    text,
    expanded.map((dataset) => dataset.derived_paths),
  );
  await writeFile(target, annotated ?? text, { flag: force ? 'w' : 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') {
        throw new FoundryError('USE001', `${target} exists already`, {
          hint: 'Name another --output-file, or replace it with --force.',
        });
      }
      throw new FoundryError('STG001', `${target} cannot be written: ${error.message}`, { cause: error });
    },
  );
}

function render({ dataset, config, derived_paths, readiness }: DatasetExpansion): string {
  const ready = readiness.filter((item) => item.ready).length;
  return [
    `${config}: ${dataset}`,
    `  bronze  ${derived_paths.bronze}`,
    `  silver  ${derived_paths.silver ?? '(no silver section)'}`,
    `  ready   ${ready} of ${readiness.length}`,
    ...readiness.map(({ item, ready: done, hint }) =>
      done ? `    [x] ${item}` : `    [ ] ${item}\n        ${hint}`,
    ),
  ].join('\n');
}
