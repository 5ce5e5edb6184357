import { checkRowIncremental, continuation, type RunPlace } from '../custom/source.ts';
import { checkFile, fileSource } from '../file/source.ts';
import type { SourcePart } from '../spec.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { CommandOptions } from './schema.ts';

const TOLD_IN_SHELL = /\{(?:cursor|until|state_file)\}/;

export function checkCommand(
  options: Partly<CommandOptions>,
  at: ConfigPath,
  place: RunPlace,
  report: Report,
): void {
  const key = (name: keyof CommandOptions): ConfigPath => [...at, name];
  const { run, format = 'jsonl' } = options;
  if (run === undefined || run.length === 0 || run[0]?.trim() === '') {
    report.invalid(key('run'), `${at.join('.')} requires 'run'`, 'key');
  } else if (typeof run === 'string' && TOLD_IN_SHELL.test(run)) {
    report.invalid(
      key('run'),
      'a text for the shell takes only dates in braces; use the variables FOUNDRY_CURSOR, FOUNDRY_UNTIL and FOUNDRY_STATE_FILE, or write the command as a list',
    );
  }
  if (format !== 'singer' && options.stream !== undefined) {
    report.warn(key('stream'), `'stream' has no effect on the format ${format}`);
  }
  const { incremental, stream: _stream, ...reading } = options;
  const read = { ...reading, format: format === 'singer' ? ('jsonl' as const) : format };
  checkFile(undefined, read, { path: at, options: at }, report);
  checkRowIncremental(incremental, key('incremental'), place, report);
}

export function commandSource(options: CommandOptions, configPath: string): SourcePart {
  const {
    run = '',
    format = 'jsonl',
    stream,
    env = {},
    working_dir: folder,
    timeout_seconds: seconds,
    incremental,
    ...file
  } = options;
  const { type: _type, path: _path, format: _format, ...reading } = fileSource('', file, configPath);
  return {
    source: {
      type: 'command',
      run,
      format,
      ...(stream !== undefined && { stream }),
      env,
      ...(folder !== undefined && { folder }),
      ...(seconds !== undefined && { timeoutSeconds: seconds }),
      reading,
    },
    ...continuation(incremental),
  };
}
