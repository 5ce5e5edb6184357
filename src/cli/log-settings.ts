import { parseBytes } from '../core/bytes.ts';
import { openLogFile } from '../observe/log-file.ts';
import { createLog, LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel, type RunLog } from './log.ts';

/** The flags that say how a run logs; each has its variable, the original's name of it included. */
export interface LogArgs {
  readonly 'log-format'?: string | undefined;
  readonly 'log-level'?: string | undefined;
  readonly 'log-file'?: string | undefined;
  readonly verbose?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

interface LogPlace {
  /** Clears a progress line. */
  readonly beforeLine?: () => void;
  /** False: only the file is written. */
  readonly stderr?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_FILE_BYTES = 10 * 1000 ** 2;
const DEFAULT_FILES_KEPT = 5;

/** The log of a command. What a variable says and cannot mean is told, and the default taken. */
export function openRunLog(
  command: string,
  args: LogArgs,
  env: Environment,
  { beforeLine = () => undefined, stderr = true }: LogPlace = {},
): RunLog {
  const problems: string[] = [];
  const path = args['log-file'] ?? first(env, 'FOUNDRY_LOG_FILE', 'BRONZE_LOG_FILE');
  const file =
    path === undefined
      ? undefined
      : openLogFile(path, {
          maxBytes: fileBytes(env, problems),
          keep: filesKept(env, problems),
          onFailure: (problem) => log.warn(problem),
        });
  const level = levelOf(args, env, problems);
  const log = createLog(
    { command, format: logFormatOf(args, env), level, stderr, ...(file !== undefined && { file }) },
    beforeLine,
  );
  for (const problem of problems) log.warn(problem);
  return log;
}

/** `--log-format`, else FOUNDRY_LOG_FORMAT, else the original's BRONZE_LOG_FORMAT; unknown names mean human. */
export function logFormatOf(args: LogArgs, env: Environment): LogFormat {
  const wanted = args['log-format'] ?? first(env, 'FOUNDRY_LOG_FORMAT', 'BRONZE_LOG_FORMAT');
  return LOG_FORMATS.find((format) => format === wanted) ?? 'human';
}

/** Other programs read LOG_LEVEL too, and know names that mean nothing here. */
function levelOf(args: LogArgs, env: Environment, problems: string[]): LogLevel {
  if (args.verbose === true) return 'debug';
  if (args.quiet === true) return 'error';
  const named = args['log-level'] ?? first(env, 'FOUNDRY_LOG_LEVEL', 'BRONZE_LOG_LEVEL');
  const level = parseLevel(named ?? first(env, 'LOG_LEVEL'));
  if (named !== undefined && level === undefined) {
    problems.push(`the log level "${named}" is not one of ${LOG_LEVELS.join(', ')}; taking info`);
  }
  return level ?? 'info';
}

/** Python's names of levels are known too. */
function parseLevel(text: string | undefined): LogLevel | undefined {
  const name = text?.toLowerCase();
  if (name === 'warn') return 'warning';
  if (name === 'critical' || name === 'fatal') return 'error';
  return LOG_LEVELS.find((level) => level === name);
}

function fileBytes(env: Environment, problems: string[]): number {
  const text = first(env, 'FOUNDRY_LOG_FILE_SIZE');
  const bytes = text === undefined ? DEFAULT_FILE_BYTES : parseBytes(text);
  if (bytes === undefined) problems.push(`FOUNDRY_LOG_FILE_SIZE: "${text}" is not a size; taking 10 MB`);
  return bytes ?? DEFAULT_FILE_BYTES;
}

function filesKept(env: Environment, problems: string[]): number {
  const text = first(env, 'FOUNDRY_LOG_FILE_COUNT') ?? String(DEFAULT_FILES_KEPT);
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  problems.push(`FOUNDRY_LOG_FILE_COUNT: "${text}" is not a number from 1; taking ${DEFAULT_FILES_KEPT}`);
  return DEFAULT_FILES_KEPT;
}

function first(env: Environment, ...names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== '');
}
