import { formatBytes, parseBytes } from '../core/bytes.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { FoundryError } from '../core/errors.ts';
import { parseRunDate, type RunDate } from '../core/run-date.ts';
import type { EngineLimits } from '../engine/engine.ts';
import { engineLimits } from '../engine/limits.ts';
import type { Hooks } from '../observe/hooks/hooks.ts';
import { runId } from '../observe/run-id.ts';
import { parseDuration } from '../table/cursor-order.ts';
import { deprecatedFlags } from './flag-values.ts';
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
  /** Tells how many datasets there are: fewer than workers share the limits among fewer. */
  shareAmong(datasets: number): void;
  /** A dataset that failed keeps those from beginning that have not begun. */
  readonly failFast: boolean;
  /** How long to wait for a dataset that another run holds. */
  readonly leaseWaitSeconds: number;
  readonly log: RunLog;
  /** Nothing is written and nobody told: --dry-run, --validate-only or --preview. */
  readonly isPlan: boolean;
  readonly hooks: Hooks;
  /** Of one dataset, as `limits`. */
  readonly spoolLimitBytes: number | undefined;
  /** Of the process, of --timeout, and of `stop`. */
  readonly signal: AbortSignal;
  /** Ends the run cleanly, with this failure. */
  stop(reason: FoundryError): void;
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
  readonly timeout?: string | undefined;
  readonly 'fail-fast'?: boolean | undefined;
  readonly 'spool-limit'?: string | undefined;
}

/** What does not stop within this time after a timeout is left as a kill would leave it. */
const STOP_GRACE_MS = 30_000;

/** @throws USE001 for a date, size, duration or thread count that is none. */
export function openSession(command: string, args: SessionArgs, signal: AbortSignal): Session {
  const stopper = new AbortController();
  startTimeout(args.timeout, stopper);
  const whole = limitsOf(args);
  const spoolLimit = spoolLimitOf(args);
  let workers = atLeastOne('--parallel-workers', args['parallel-workers']) ?? 1;
  let line: ProgressLine | undefined;
  const clearProgress = (): void => line?.clear();
  const log = openRunLog(command, args, process.env, { beforeLine: clearProgress });
  for (const warning of deprecatedFlags(args)) log.warn(warning);
  return {
    command,
    runId: runId(),
    output: args.output === 'json' ? 'json' : 'text',
    runDate: runDateOf(args.date, systemClock),
    get limits() {
      return sharedLimits(whole, workers);
    },
    get workers() {
      return workers;
    },
    shareAmong(datasets) {
      workers = Math.min(workers, Math.max(1, datasets));
    },
    failFast: args['fail-fast'] === true,
    leaseWaitSeconds: leaseWaitOf(args),
    get spoolLimitBytes() {
      return spoolLimit === undefined ? undefined : Math.floor(spoolLimit / workers);
    },
    log,
    isPlan: args['dry-run'] === true || args['validate-only'] === true || args.preview !== undefined,
    hooks: hooksOf(args, process.env),
    signal: AbortSignal.any([signal, stopper.signal]),
    stop: (reason) => stopper.abort(reason),
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

function startTimeout(text: string | undefined, stopper: AbortController): void {
  if (text === undefined) return;
  const micros = parseDuration(/^\d+(\.\d+)?$/.test(text) ? `${text}s` : text);
  const ms = micros === undefined ? 0 : Number(micros / 1000n);
  // Longer ones do not fit a timer, and nobody waits three weeks.
  if (ms <= 0 || ms > 2 ** 31 - 1) {
    throw new FoundryError('USE001', `--timeout: "${text}" is not a duration; write 90s, 30m or 2h`);
  }
  setTimeout(() => {
    stopper.abort(new FoundryError('TIME001', `not done within the ${text} of --timeout`));
    setTimeout(() => process.exit(75), STOP_GRACE_MS).unref();
  }, ms).unref();
}

/** A number without its unit is of bytes. */
const LEAST_MEMORY = 32e6;

function limitsOf(args: SessionArgs): EngineLimits {
  const memory = args['memory-limit'];
  const memoryBytes = memory === undefined ? undefined : parseBytes(memory);
  if (memory !== undefined && memoryBytes === undefined) {
    throw new FoundryError('USE001', `--memory-limit: "${memory}" is not a size; write 512MB or 2GiB`);
  }
  if (memoryBytes !== undefined && memoryBytes < LEAST_MEMORY) {
    throw new FoundryError(
      'USE001',
      `--memory-limit: "${memory}" is ${formatBytes(memoryBytes)}, with which nothing can run; write 512MB or 2GiB`,
    );
  }
  const threads = atLeastOne('--threads', args.threads);
  return engineLimits({
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(threads === undefined ? {} : { threads }),
  });
}

/** Each of the datasets that run at a time has its part of the memory and of the cores. */
function sharedLimits(whole: EngineLimits, workers: number): EngineLimits {
  return {
    ...whole,
    memoryBytes: Math.floor(whole.memoryBytes / workers),
    threads: Math.max(1, Math.ceil(whole.threads / workers)),
  };
}

function spoolLimitOf(args: SessionArgs): number | undefined {
  const text = args['spool-limit'];
  if (text === undefined) return undefined;
  const bytes = parseBytes(text);
  if (bytes === undefined) {
    throw new FoundryError('USE001', `--spool-limit: "${text}" is not a size; write 512MB or 20GB`);
  }
  return bytes;
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
