import type { LogObject } from 'consola';
import { createConsola } from 'consola/basic';
import { failureDocument } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import { currentScope } from '../core/run-scope.ts';
import { maskedJson, maskSecrets } from '../core/secret.ts';
import type { LogFile } from '../observe/log-file.ts';
import { runId, shortRunId } from '../observe/run-id.ts';
import { errorText } from './outcome.ts';

export const LOG_FORMATS = ['human', 'json', 'simple'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly command: string;
  readonly format: LogFormat;
  /** Of stderr. */
  readonly level: LogLevel;
  /** Always JSON with its context, and never less than `info`: what a quiet run did is looked up here. */
  readonly file?: LogFile;
  /** False: only the file is written. */
  readonly stderr: boolean;
}

export interface RunLog extends Log {
  /** A milestone of a run. People read the report instead, unless they ask for detail. */
  event(message: string, facts: Readonly<Record<string, unknown>>): void;
  error(message: string): void;
  /** A failure with its code, hint and details. */
  failure(error: unknown): void;
}

/** consola's numbers. */
const LEVELS: Readonly<Record<LogLevel, number>> = { debug: 4, info: 3, warning: 1, error: 0 };
const NAMES: Readonly<Record<string, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
};
/** Marks the lines that the report on stdout tells too. */
const EVENT = 'event';
const COLOURS: Readonly<Record<string, number>> = { DEBUG: 90, INFO: 36, WARNING: 33, ERROR: 31 };

/** Logs go to stderr: stdout is for the report (decision 18). `beforeLine` clears a progress line. */
export function createLog(options: LogOptions, beforeLine: () => void): RunLog {
  const { file, level } = options;
  const fileLevel = Math.max(LEVELS.info, LEVELS[level]);
  const logger = createConsola({
    level: file === undefined ? LEVELS[level] : fileLevel,
    stdout: process.stderr,
    stderr: process.stderr,
    throttle: 0,
    reporters: [
      {
        log(entry) {
          const isInReport = options.format === 'human' && entry.tag === EVENT;
          if (!options.stderr || entry.level > LEVELS[level]) return;
          if (isInReport && level !== 'debug') return;
          beforeLine();
          process.stderr.write(`${formatLine(entry, options)}\n`);
        },
      },
      ...(file === undefined
        ? []
        : [{ log: (entry: LogObject) => file.write(jsonLine(entry, context(options))) }]),
    ],
  });
  const events = logger.withTag(EVENT);
  return {
    debug: (message) => logger.debug(message),
    info: (message) => logger.info(message),
    event: (message, facts) => events.info(message, facts),
    warn: (message) => logger.warn(message),
    error: (message) => logger.error(message),
    failure: (error) => logger.error(errorText(error), failureFacts(error)),
  };
}

function formatLine(entry: LogObject, options: LogOptions): string {
  const level = NAMES[entry.type] ?? 'INFO';
  const { dataset } = currentScope();
  const message = `${dataset === undefined ? '' : `${dataset}: `}${maskSecrets(String(entry.args[0]))}`;
  switch (options.format) {
    case 'json':
      return jsonLine(entry, { run_id: runId() });
    case 'simple':
      return `${level}: ${shortRunId()} ${message}`;
    case 'human':
      return `${coloured(level)} ${entry.date.toISOString().slice(0, 19).replace('T', ' ')} - foundry.${shortRunId()} - ${message}`;
  }
}

/** The original's fields, and what tells the runs of a day apart. */
function jsonLine(entry: LogObject, facts: Readonly<Record<string, unknown>>): string {
  const { dataset } = currentScope();
  const [message, failure] = entry.args;
  return maskedJson({
    timestamp: entry.date.toISOString(),
    level: NAMES[entry.type] ?? 'INFO',
    logger: 'foundry',
    message: String(message),
    ...facts,
    ...(dataset !== undefined && { dataset }),
    ...(typeof failure === 'object' ? failure : {}),
  });
}

function context({ command }: LogOptions): Readonly<Record<string, unknown>> {
  return { run_id: runId(), command, pid: process.pid };
}

function failureFacts(error: unknown): Readonly<Record<string, unknown>> {
  const { code, details, hint, retryable, exit_code } = failureDocument(error);
  const exception = code === 'ERR000' && error instanceof Error ? error.stack : undefined;
  return { code, details, hint, retryable, exit_code, ...(exception !== undefined && { exception }) };
}

function coloured(level: string): string {
  const colour = COLOURS[level];
  const isPlain = !process.stderr.isTTY || (process.env.NO_COLOR ?? '') !== '' || colour === undefined;
  return isPlain ? `[${level}]` : `\u001b[${colour}m[${level}]\u001b[0m`;
}
