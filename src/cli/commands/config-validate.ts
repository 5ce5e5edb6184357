import { type ArgsDef, defineCommand } from 'citty';
import type { ConfigProblem, ConfigWarning } from '../../config/yaml/problems.ts';
import { FoundryError } from '../../core/errors.ts';
import { OUTPUT_ARGS } from '../args.ts';
import { configFiles, FILE_ARGS } from '../config-files.ts';
import { emitReports } from '../emit.ts';

const args = {
  ...FILE_ARGS,
  strict: { type: 'boolean', description: 'Count warnings as errors' },
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

interface Finding extends Omit<ConfigWarning, 'code'> {
  readonly severity: 'error' | 'warning';
  /** A warning has none, unless it is a deprecation. */
  readonly code: string | null;
}

interface FileReport {
  readonly file: string;
  readonly status: 'valid' | 'invalid';
  readonly datasets: readonly string[];
  readonly problems: readonly Finding[];
}

export const configValidateCommand = defineCommand({
  meta: { name: 'foundry config validate', description: 'Check config files without running anything' },
  args,
  async run({ args: given }) {
    const files = await configFiles(given, 'config validate');
    const reports: FileReport[] = [];
    for (const file of files) reports.push(await validate(file, given.strict === true));
    const exitCode = reports.every((report) => report.status === 'valid') ? 0 : 2;
    emitReports('config validate', given.output, reports, text, exitCode);
    if (given.output !== 'json') process.stdout.write(`\n${summary(reports)}\n`);
    return exitCode;
  },
});

async function validate(file: string, strict: boolean): Promise<FileReport> {
  const { loadConfig, problemsOf } = await import('../../config/load.ts');
  try {
    const { datasets, join, warnings } = await loadConfig(file, process.env);
    return {
      file,
      status: strict && warnings.length > 0 ? 'invalid' : 'valid',
      datasets: [...datasets, ...(join === undefined ? [] : [join])].map((spec) => spec.name),
      problems: warnings.map((warning) => finding(warning, strict ? 'error' : 'warning')),
    };
  } catch (error) {
    const problems = problemsOf(error);
    if (!(error instanceof FoundryError) || problems.length === 0) throw error;
    return {
      file,
      status: 'invalid',
      datasets: [],
      problems: problems.map((problem) => finding(problem, 'error')),
    };
  }
}

function finding(found: ConfigWarning | ConfigProblem, severity: Finding['severity']): Finding {
  const code = found.code ?? (severity === 'error' ? 'CFG001' : null);
  const prefix = `[${code}] `;
  const message = found.message.startsWith(prefix) ? found.message.slice(prefix.length) : found.message;
  return { ...found, severity, code, message };
}

function text({ file, status, datasets, problems }: FileReport): string {
  const names = datasets.length === 0 ? '' : ` (${datasets.join(', ')})`;
  return [`${file}: ${status}${names}`, ...problems.map(line)].join('\n');
}

/** `3 files: 2 valid, 1 invalid`. */
function summary(reports: readonly FileReport[]): string {
  const counts = (['valid', 'invalid'] as const)
    .map((status) => ({ status, n: reports.filter((report) => report.status === status).length }))
    .filter(({ n }) => n > 0);
  const files = `${reports.length} ${reports.length === 1 ? 'file' : 'files'}`;
  return `${files}: ${counts.map(({ status, n }) => `${n} ${status}`).join(', ')}`;
}

function line({ file, line: at, column, path, message, severity, code }: Finding): string {
  const position = at === undefined ? file : `${file}:${at}:${column ?? 1}`;
  return `  ${severity}${code === null ? '' : ` ${code}`} ${position}${path === '' ? '' : ` ${path}`}: ${message}`;
}
