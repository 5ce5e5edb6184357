import { writeFile } from 'node:fs/promises';
import { type ArgsDef, defineCommand } from 'citty';
import { formatProblem, parseConfig, problemsOf, readText } from '../../config/load.ts';
import { type ConfigVersion, migrateConfig } from '../../config/tools/doctor.ts';
import { unifiedDiff } from '../../config/tools/line-diff.ts';
import { FoundryError } from '../../core/errors.ts';
import { exitCodeOf } from '../../core/failure.ts';
import { OUTPUT_ARGS } from '../args.ts';
import { configFiles, FILE_ARGS } from '../config-files.ts';
import { writeJson } from '../emit.ts';
import { combineExitCodes, errorText } from '../outcome.ts';

const args = {
  ...FILE_ARGS,
  'target-version': {
    type: 'enum',
    options: ['1', '2'],
    description: 'Shape to bring the configs to: 2 also takes out what has no effect any more (default: 1)',
  },
  write: { type: 'boolean', alias: 'i', description: 'Write the changes into the files' },
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

interface DoctorReport {
  readonly file: string;
  /** What a run would say of the file as it is. */
  readonly lint: readonly string[];
  readonly changes: readonly string[];
  readonly diff: string;
  readonly written: boolean;
}

type Result =
  | { readonly dataset: string; readonly report: DoctorReport }
  | { readonly dataset: string; readonly error: unknown };

export const configDoctorCommand = defineCommand({
  meta: { name: 'foundry config doctor', description: 'Find and mend old shapes of configs' },
  args,
  async run({ args: given }) {
    const target: ConfigVersion = given['target-version'] === '2' ? 2 : 1;
    const results: Result[] = [];
    for (const file of await configFiles(given, 'config doctor')) {
      try {
        results.push({ dataset: file, report: await examine(file, target, given.write === true) });
      } catch (error) {
        results.push({ dataset: file, error });
        process.stderr.write(`${errorText(error)}\n`);
      }
    }
    const exitCode = combineExitCodes(
      results.map((result) => ('error' in result ? exitCodeOf(result.error) : 0)),
    );
    if (given.output === 'json') writeJson('config doctor', exitCode, results);
    else
      for (const result of results)
        if ('report' in result) process.stdout.write(`${render(result.report)}\n\n`);
    return exitCode;
  },
});

/** @throws CFG001 when the file is missing or no YAML mapping; STG001 when it cannot be written. */
async function examine(file: string, target: ConfigVersion, write: boolean): Promise<DoctorReport> {
  const text = await readText(file);
  const { lint, error } = lintOf(file, text);
  const migration = migrateConfig(text, target);
  if (migration === undefined) throw error ?? new FoundryError('CFG001', `${file} is no YAML document`);
  const isChanged = migration.text !== text;
  if (write && isChanged) await save(file, migration.text);
  return {
    file,
    lint,
    changes: migration.changes,
    diff: unifiedDiff(text, migration.text, { before: file, after: `${file} (version ${target})` }),
    written: write && isChanged,
  };
}

function lintOf(
  file: string,
  text: string,
): { readonly lint: readonly string[]; readonly error?: FoundryError } {
  try {
    const { warnings } = parseConfig(file, text, process.env);
    return { lint: warnings.map((warning) => `warning: ${formatProblem(warning)}`) };
  } catch (error) {
    if (!(error instanceof FoundryError)) throw error;
    return { lint: problemsOf(error).map((problem) => `error: ${formatProblem(problem)}`), error };
  }
}

async function save(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: NodeJS.ErrnoException) => {
    throw new FoundryError('STG001', `${file} cannot be written: ${error.message}`, { cause: error });
  });
}

function render({ file, lint, changes, diff, written }: DoctorReport): string {
  return [
    `${file}: ${lint.length === 0 ? 'nothing to complain about' : `${lint.length} found by lint`}`,
    ...lint.map((line) => `  ${line}`),
    ...changes.map((change) => `  change: ${change}`),
    ...(diff === ''
      ? ['(no changes)']
      : ['', diff, '', written ? `${file} is written` : 'nothing is written; add --write']),
  ].join('\n');
}
