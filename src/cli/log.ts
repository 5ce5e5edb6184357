import type { LogObject } from 'consola';
import { createConsola } from 'consola/basic';
import type { Log } from '../core/log.ts';

export const LOG_FORMATS = ['human', 'json', 'simple'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogOptions {
  readonly format: LogFormat;
  readonly level: 'debug' | 'info' | 'error';
}

const LEVELS = { debug: 4, info: 3, error: 0 } as const;
const NAMES: Readonly<Record<string, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
};

/** Logs go to stderr: stdout is for the report (decision 18). `beforeLine` clears a progress line. */
export function createLog(
  options: LogOptions,
  beforeLine: () => void,
): Log & { error(message: string): void } {
  const logger = createConsola({
    level: LEVELS[options.level],
    stdout: process.stderr,
    stderr: process.stderr,
    throttle: 0,
    reporters: [
      {
        log(entry) {
          beforeLine();
          process.stderr.write(`${formatLine(entry, options.format)}\n`);
        },
      },
    ],
  });
  return {
    debug: (message) => logger.debug(message),
    info: (message) => logger.info(message),
    warn: (message) => logger.warn(message),
    error: (message) => logger.error(message),
  };
}

function formatLine(entry: LogObject, format: LogFormat): string {
  const level = NAMES[entry.type] ?? 'INFO';
  const message = entry.args.map(String).join(' ');
  switch (format) {
    case 'json':
      return JSON.stringify({ timestamp: entry.date.toISOString(), level, logger: 'foundry', message });
    case 'simple':
      return `${level}: ${message}`;
    case 'human':
      return `[${level}] ${entry.date.toISOString().slice(0, 19).replace('T', ' ')} - foundry - ${message}`;
  }
}

/** `--log-format`, else FOUNDRY_LOG_FORMAT, else the original's BRONZE_LOG_FORMAT; unknown names mean human. */
export function logFormatOf(flag: string | undefined, env: NodeJS.ProcessEnv): LogFormat {
  const wanted = flag ?? env.FOUNDRY_LOG_FORMAT ?? env.BRONZE_LOG_FORMAT;
  return LOG_FORMATS.find((format) => format === wanted) ?? 'human';
}
