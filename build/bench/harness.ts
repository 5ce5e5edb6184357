import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { peakBytesOf } from '../../src/testing/peak-memory.ts';
import type { BenchRecord } from './results.ts';

/** One contestant: a program that does the whole work once and ends with exit code 0. */
export interface Contestant {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Runs before every round, untimed: removes what the round before left. */
  readonly prepare?: () => void | Promise<void>;
}

export interface Measured {
  readonly name: string;
  /** Medians over the rounds. */
  readonly milliseconds: number;
  /** Against the last contestant, the yardstick: the median of the rounds' ratios, which noise moves least. */
  readonly ratio: number;
  /** The same of processor time, which hardly depends on what else the machine does. */
  readonly cpuRatio: number;
  /** Seen every 10 ms; NaN for a process that ended sooner, and where there is no /proc. */
  readonly peakMegabytes: number;
  readonly fastestMilliseconds: number;
  /** Slowest round less fastest, as a share of the median. */
  readonly spread: number;
}

export interface BenchOptions {
  readonly rounds?: number;
  /** Unmeasured rounds first, that fill the caches of the disk. */
  readonly warmUps?: number;
}

/**
 * Measures wall time and peak memory of whole processes, interleaved (A B A B …), so that a noisy neighbour
 * hits all contestants alike.
 * @throws when a contestant fails: a wrong answer has no speed.
 */
export async function race(
  contestants: readonly Contestant[],
  { rounds = 5, warmUps = 1 }: BenchOptions = {},
): Promise<readonly Measured[]> {
  const samples = contestants.map(() => ({
    times: [] as number[],
    cpu: [] as number[],
    peaks: [] as number[],
  }));
  for (let round = -warmUps; round < rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      await contestant.prepare?.();
      const { milliseconds, cpuMilliseconds, peakMegabytes } = await runOnce(contestant);
      if (round < 0) continue;
      samples[index]?.times.push(milliseconds);
      samples[index]?.cpu.push(cpuMilliseconds);
      samples[index]?.peaks.push(peakMegabytes);
    }
  }
  return contestants.map(({ name }, index) => {
    const { times = [], cpu = [], peaks = [] } = samples[index] ?? {};
    const yardstick = samples.at(-1);
    const ratio = (own: readonly number[], theirs: readonly number[] = []): number =>
      median(own.map((value, round) => value / (theirs[round] ?? Number.NaN)));
    return {
      name,
      milliseconds: median(times),
      ratio: ratio(times, yardstick?.times),
      cpuRatio: ratio(cpu, yardstick?.cpu),
      peakMegabytes: median(peaks.filter((peak) => !Number.isNaN(peak))),
      fastestMilliseconds: Math.min(...times),
      spread: (Math.max(...times) - Math.min(...times)) / median(times),
    };
  });
}

async function runOnce({
  name,
  command,
  env,
}: Contestant): Promise<{ milliseconds: number; cpuMilliseconds: number; peakMegabytes: number }> {
  const start = performance.now();
  const child = Bun.spawn([...command], {
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  });
  let peakMegabytes = Number.NaN;
  const watch = setInterval(() => {
    peakMegabytes = (peakBytesOf(child.pid) ?? peakMegabytes * 1e6) / 1e6;
  }, 10);
  const [stderr, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  const milliseconds = performance.now() - start;
  clearInterval(watch);
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr.slice(-2000)}`);
  const cpuMilliseconds = Number(child.resourceUsage()?.cpuTime.total ?? Number.NaN) / 1000;
  return { milliseconds, cpuMilliseconds, peakMegabytes };
}

/** Prints one line a contestant; ratios are against the last one, the yardstick. Leaves a record of each for the table. */
export function printRace(title: string, results: readonly Measured[]): void {
  record(title, results);
  console.log(`\n${title}`);
  for (const { name, milliseconds, ratio, cpuRatio, peakMegabytes, fastestMilliseconds } of results) {
    console.log(
      `  ${name.padEnd(36)} ${milliseconds.toFixed(1).padStart(9)} ms  ${`${ratio.toFixed(2)}×`.padStart(8)}` +
        `  (processor ${cpuRatio.toFixed(2)}×, best ${fastestMilliseconds.toFixed(1)} ms, peak ${Number.isNaN(peakMegabytes) ? '?' : peakMegabytes.toFixed(0)} MB)`,
    );
  }
}

/** For `bun run bench`, which names the file; a bench that is run by itself only prints. */
function record(scenario: string, results: readonly Measured[]): void {
  const file = process.env.FOUNDRY_BENCH_RECORDS;
  if (file === undefined) return;
  const bench = basename(process.argv[1] ?? '', '.bench.ts');
  const records = results.map(
    ({ name, milliseconds, spread, ratio, cpuRatio, peakMegabytes }): BenchRecord => ({
      bench,
      scenario,
      contestant: name,
      median_ms: rounded(milliseconds),
      spread: rounded(spread),
      ratio: rounded(ratio),
      cpu_ratio: rounded(cpuRatio),
      ...(!Number.isNaN(peakMegabytes) && { peak_mb: rounded(peakMegabytes) }),
    }),
  );
  appendFileSync(file, records.map((one) => `${JSON.stringify(one)}\n`).join(''));
}

const rounded = (value: number): number => Number(value.toFixed(3));

/** Says whether a promise about speed or memory holds; a broken one makes the bench fail in the end. */
export function promise(claim: string, value: number, limit: number, unit: string): void {
  const kept = value <= limit;
  console.log(`  ${kept ? 'kept  ' : 'BROKEN'} ${claim}: ${value.toFixed(2)} ${unit} (limit ${limit})`);
  if (!kept) process.exitCode = 1;
}

/** The first contestant against the last one. */
export function promiseRatio(claim: string, results: readonly Measured[], limit: number): void {
  promise(claim, results[0]?.ratio ?? Number.NaN, limit, '×');
}

/** A folder for a bench's inputs and outputs; removed when `work` is done. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'foundry-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
