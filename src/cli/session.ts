import { parseBytes } from '../core/bytes.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { FoundryError } from '../core/errors.ts';
import { parseRunDate, type RunDate } from '../core/run-date.ts';
import type { EngineLimits } from '../engine/engine.ts';
import { engineLimits } from '../engine/limits.ts';
import type { Hooks } from '../observe/hooks/hooks.ts';
import { runId } from '../observe/run-id.ts';
import { deprecatedFlags } from './args.ts';
import { type HookArgs, hooksOf } from './hook-flags.ts';
import type { RunLog } from './log.ts';
import { type LogArgs, openRunLog } from './log-settings.ts';
import { atLeastOne } from './numbers.ts';
import { createProgressLine, type ProgressLine } from './progress.ts';

/** What the shared flags of a command mean, and the process around the run. */
export interface Session {
  readonly command: string;
  /** Of this process. */
  readonly runId: string;
  readonly output: 'text' | 'json';
  readonly runDate: RunDate;
  /** Of one dataset: the whole process's, divided by the datasets that run at a time. */
  readonly limits: EngineLimits;
  /** How many datasets run at a time. */
  readonly workers: number;
  /** How long to wait for a dataset that another run holds. */
  readonly leaseWaitSeconds: number;
  readonly log: RunLog;
  /** Nothing is written and nobody told: --dry-run, --validate-only or --preview. */
  readonly isPlan: boolean;
  readonly hooks: Hooks;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** A progress line for one dataset; the one before it is cleared. */
  progress(label: string): ProgressLine;
  /** Clears the progress line before anything else is written. */
  clearProgress(): void;
}

export interface SessionArgs extends LogArgs, HookArgs {
  readonly [name: string]: unknown;
  readonly date?: string | undefined;
  readonly output?: string | undefined;
  readonly 'memory-limit'?: string | undefined;
  readonly threads?: string | undefined;
  readonly 'parallel-workers'?: string | undefined;
  readonly 'lock-timeout'?: string | undefined;
  readonly 'use-locks'?: boolean | undefined;
}

/** @throws USE001 for a date, size or thread count that is none. */
export function openSession(command: string, args: SessionArgs, signal: AbortSignal): Session {
  const workers = atLeastOne('--parallel-workers', args['parallel-workers']) ?? 1;
  let line: ProgressLine | undefined;
  const clearProgress = (): void => line?.clear();
  const log = openRunLog(command, args, process.env, { beforeLine: clearProgress });
  for (const warning of deprecatedFlags(args)) log.warn(warning);
  return {
    command,
    runId: runId(),
    output: args.output === 'json' ? 'json' : 'text',
    runDate: runDateOf(args.date, systemClock),
    limits: limitsOf(args, workers),
    workers,
    leaseWaitSeconds: leaseWaitOf(args),
    log,
    isPlan: args['dry-run'] === true || args['validate-only'] === true || args.preview !== undefined,
    hooks: hooksOf(args, process.env),
    signal,
    clock: systemClock,
    progress(label) {
      clearProgress();
      line = createProgressLine(label, process.stderr);
      return line;
    },
    clearProgress,
  };
}

function runDateOf(text: string | undefined, clock: Clock): RunDate {
  if (text === undefined) return { date: clock.now().toISOString().slice(0, 10) };
  const runDate = parseRunDate(text);
  if (runDate === undefined) {
    throw new FoundryError(
      'USE001',
      `--date: "${text}" is not a date; write YYYY-MM-DD, or YYYY-MM-DDTHH for one hour`,
    );
  }
  return runDate;
}

function limitsOf(args: SessionArgs, workers: number): EngineLimits {
  const memory = args['memory-limit'];
  const memoryBytes = memory === undefined ? undefined : parseBytes(memory);
  if (memory !== undefined && memoryBytes === undefined) {
    throw new FoundryError('USE001', `--memory-limit: "${memory}" is not a size; write 512MB or 2GiB`);
  }
  const threads = atLeastOne('--threads', args.threads);
  const whole = engineLimits({
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(threads === undefined ? {} : { threads }),
  });
  return { ...whole, memoryBytes: Math.floor(whole.memoryBytes / workers) };
}

/** `--use-locks` alone waits as long as the original did. */
function leaseWaitOf(args: SessionArgs): number {
  const text = args['lock-timeout'];
  if (text === undefined) return args['use-locks'] === true ? 60 : 0;
  if (!/^\d{1,6}(\.\d+)?$/.test(text)) {
    throw new FoundryError('USE001', `--lock-timeout: "${text}" is not a number of seconds`);
  }
  return Number(text);
}
