import { type ArgsDef, defineCommand } from 'citty';
import type { ResolvedSetting } from '../../config/resolved.ts';
import { CONFIG_ARGS, OUTPUT_ARGS } from '../args.ts';
import { configFiles, FILE_ARGS } from '../config-files.ts';
import { emitReports } from '../emit.ts';
import { openSession } from '../session.ts';

const args = {
  ...FILE_ARGS,
  config: CONFIG_ARGS.config,
  resolved: { type: 'boolean', description: 'Every value that a run would use, those by default too' },
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

interface ShowReport {
  readonly config: string;
  readonly dataset: string;
  readonly settings: readonly ResolvedSetting[];
}

export const configShowCommand = defineCommand({
  meta: {
    name: 'foundry config show',
    description: 'What each value of a config is, and the line it comes from; secrets are masked',
  },
  args,
  async run({ args: given, data }) {
    const session = openSession('config show', given, data.signal);
    const { formatProblem } = await import('../../config/load.ts');
    const { resolveConfig } = await import('../../config/resolved.ts');
    const reports: ShowReport[] = [];
    for (const config of await configFiles(given, 'config show')) {
      const { datasets, warnings } = await resolveConfig(config, process.env);
      for (const warning of warnings) session.log.warn(formatProblem(warning));
      for (const { spec, settings } of datasets) {
        const shown = settings.filter(({ origin }) => given.resolved === true || origin.kind !== 'default');
        reports.push({ config, dataset: spec.name, settings: shown });
      }
    }
    return emitReports(session.command, given.output, reports, render);
  },
});

/** `path  value  # where from`, in columns. */
function render({ config, dataset, settings }: ShowReport): string {
  const rows = settings.map((setting) => ({
    path: snakeCase(setting.path),
    value: valueText(setting.value),
    from: originText(setting, config),
  }));
  const pathWidth = Math.max(0, ...rows.map(({ path }) => path.length));
  const valueWidth = Math.min(40, Math.max(0, ...rows.map(({ value }) => value.length)));
  return [
    `${config}: ${dataset}`,
    ...rows.map(
      ({ path, value, from }) => `  ${path.padEnd(pathWidth)}  ${value.padEnd(valueWidth)}  # ${from}`,
    ),
  ].join('\n');
}

function valueText(value: unknown): string {
  return typeof value === 'string' && !/[\s#]/.test(value) && value !== '' ? value : JSON.stringify(value);
}

/** The key is told where it is not the name of the value itself. */
function originText({ origin, key, path }: ResolvedSetting, config: string): string {
  const named = key === undefined || key === snakeCase(path) ? '' : key;
  if (origin.kind === 'default') return `by default${named === '' ? '' : `; ${named} would set it`}`;
  const line = origin.file === config ? `line ${origin.line}` : `${origin.file}:${origin.line}`;
  const where = named === '' ? line : `${line}, ${named}`;
  return origin.kind === 'variable' ? `${where}, from the environment variable ${origin.name}` : where;
}

function snakeCase(path: string): string {
  return path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
