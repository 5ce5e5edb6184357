import { BUILD_INFO } from '../core/build-info.ts';
import { ERRORS, FoundryError } from '../core/errors.ts';
import { exitCodeOf, failureDocument } from '../core/failure.ts';
import { withinScope } from '../core/run-scope.ts';
import { maskSecrets } from '../core/secret.ts';
import { runId } from '../observe/run-id.ts';
import { type LogArgs, logFormatOf, openRunLog } from './log-settings.ts';
import { combineExitCodes, type DatasetResult, errorText } from './outcome.ts';
import type { Session } from './session.ts';
import { renderSummary } from './summary.ts';

/**
 * Writes the results to stdout, as text or as one JSON document, and every failure to stderr.
 *
 * @returns the exit code of the whole command
 */
export function emitResults<R>(
  session: Session,
  given: readonly DatasetResult<R>[],
  render: (report: R) => string,
): number {
  session.clearProgress();
  const results = given.map((result) =>
    'error' in result ? { ...result, error: hinted(session.command, result.error) } : result,
  );
  const exitCode = combineExitCodes(
    results.map((result) => ('error' in result ? exitCodeOf(result.error) : 0)),
  );
  const datasets = new Set(results.map((result) => result.dataset));
  for (const result of results) {
    if (!('error' in result)) continue;
    withinScope({ dataset: result.dataset }, () => session.log.failure(result.error));
  }
  if (session.output === 'json') {
    writeJson(session.command, exitCode, results);
    return exitCode;
  }
  const reports = results.flatMap((result) => ('report' in result ? [render(result.report)] : []));
  if (reports.length > 0) process.stdout.write(`${reports.join('\n\n')}\n`);
  if (datasets.size > 1) process.stdout.write(`\n${renderSummary(results)}\n`);
  return exitCode;
}

/** The reports of a command that only looks at configs. @returns the exit code, as given. */
export function emitReports<R>(
  command: string,
  output: string | undefined,
  reports: readonly R[],
  render: (report: R) => string,
  exitCode = 0,
): number {
  if (output === 'json') {
    writeJson(
      command,
      exitCode,
      reports.map((report) => ({ dataset: undefined, report })),
    );
  } else process.stdout.write(`${reports.map(render).join('\n\n')}\n`);
  return exitCode;
}

/** A failure before any dataset was reached: wrong flags, wrong configs. */
export function emitFailure(
  command: string,
  form: LogArgs & { readonly output?: string | undefined },
  failure: unknown,
): number {
  const error = hinted(command, failure);
  const isHuman = logFormatOf(form, process.env) === 'human';
  if (isHuman) process.stderr.write(`${maskSecrets(errorText(error))}\n`);
  openRunLog(command, { ...form, quiet: true }, process.env, { stderr: !isHuman }).failure(error);
  if (form.output === 'json') writeJson(command, exitCodeOf(error), [{ dataset: undefined, error }]);
  return exitCodeOf(error);
}

/** Where the hint is the table's, which cannot know the command, it names this one. */
function hinted(command: string, error: unknown): unknown {
  if (!(error instanceof FoundryError) || error.hint !== ERRORS.USE001.hint) return error;
  const { code, message, details, cause } = error;
  return new FoundryError(code, message, { details, cause, hint: `See \`foundry ${command} --help\`.` });
}

type JsonResult = { readonly dataset: string | undefined } & (
  | { readonly report: unknown }
  | { readonly error: unknown }
  | { readonly notRun: true }
);

/** The one JSON document on stdout that `--output json` asks for. */
export function writeJson(command: string, exitCode: number, results: readonly JsonResult[]): void {
  const notRun = results.flatMap((result) => ('notRun' in result ? [result.dataset] : []));
  const document = {
    tool: { name: 'foundry', ...BUILD_INFO },
    command,
    run_id: runId(),
    exit_code: exitCode,
    reports: results.flatMap((result) => ('report' in result ? [result.report] : [])),
    errors: results.flatMap((result) =>
      'error' in result ? [failureDocument(result.error, result.dataset)] : [],
    ),
    ...(notRun.length > 0 && { not_run: notRun }),
  };
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
