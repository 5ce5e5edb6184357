/** What one contestant of one scenario took. A ratio compares with the scenario's last contestant, in the same run. */
export interface BenchRecord {
  readonly bench: string;
  readonly scenario: string;
  readonly contestant: string;
  /** Of the rounds. */
  readonly median_ms: number;
  /** Slowest round less fastest, as a share of the median. */
  readonly spread: number;
  readonly ratio: number;
  readonly cpu_ratio: number;
  /** Absent where a process ended before it was seen. */
  readonly peak_mb?: number;
}

export interface Machine {
  readonly platform: string;
  readonly cpus: number;
  readonly memory_gb: number;
}

/** `.bench/results.json`, and the baseline that is kept. */
export interface BenchResults {
  readonly at: string;
  readonly version: string;
  readonly machine: Machine;
  readonly records: readonly BenchRecord[];
}

export interface Compared {
  readonly record: BenchRecord;
  /** Undefined where the baseline does not know the contestant, or where it is the yardstick itself. */
  readonly baselineRatio?: number;
  readonly verdict: 'slower' | 'faster' | 'as before' | 'new' | 'yardstick';
}

/** Differences below this are noise on any machine. */
const NOISE = 0.1;

const keyOf = ({ bench, scenario, contestant }: BenchRecord): string =>
  JSON.stringify([bench, scenario, contestant]);

/**
 * Holds ratios against those of a baseline, because seconds of two machines cannot be compared. A difference counts only
 * above a tenth and half of what the rounds themselves differed by.
 */
export function compareResults(
  records: readonly BenchRecord[],
  baseline: readonly BenchRecord[],
): readonly Compared[] {
  const before = new Map(baseline.map((record) => [keyOf(record), record]));
  return records.map((record, at) => {
    const next = records[at + 1];
    const isLast = next?.bench !== record.bench || next.scenario !== record.scenario;
    if (isLast) return { record, verdict: 'yardstick' };
    const known = before.get(keyOf(record));
    if (known === undefined) return { record, verdict: 'new' };
    const change = record.ratio / known.ratio - 1;
    const tolerance = NOISE + Math.max(record.spread, known.spread) / 2;
    const verdict = change > tolerance ? 'slower' : change < -tolerance ? 'faster' : 'as before';
    return { record, baselineRatio: known.ratio, verdict };
  });
}

/** A baseline in which every scenario that was measured again is replaced, and the others are kept. */
export function mergeBaseline(
  baseline: readonly BenchRecord[],
  records: readonly BenchRecord[],
): readonly BenchRecord[] {
  const scenarioOf = ({ bench, scenario }: BenchRecord): string => JSON.stringify([bench, scenario]);
  const measured = new Set(records.map(scenarioOf));
  const kept = baseline.filter((record) => !measured.has(scenarioOf(record)));
  // A stable sort: the contestants of a scenario keep their order, in which the last one is the yardstick.
  return [...kept, ...records].sort((a, b) =>
    scenarioOf(a) < scenarioOf(b) ? -1 : scenarioOf(a) > scenarioOf(b) ? 1 : 0,
  );
}

/** One line a contestant below its scenario. */
export function renderResults(compared: readonly Compared[]): string {
  const rows = compared.map(({ record, baselineRatio, verdict }) => [
    record.contestant,
    `${record.median_ms.toFixed(0)} ms`,
    `±${Math.round(record.spread * 50)}%`,
    `${record.ratio.toFixed(2)}×`,
    baselineRatio === undefined ? '' : `${baselineRatio.toFixed(2)}×`,
    record.peak_mb === undefined ? '?' : `${record.peak_mb.toFixed(0)} MB`,
    verdict,
  ]);
  const header = ['contestant', 'median', 'spread', 'ratio', 'baseline', 'peak', ''];
  const widths = header.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, at) => (at === 0 || at === 6 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ')}`.trimEnd();
  const lines = [line(header)];
  let scenario: string | undefined;
  for (const [at, { record }] of compared.entries()) {
    const title = `${record.bench}: ${record.scenario}`;
    if (title !== scenario) lines.push('', title);
    scenario = title;
    lines.push(line(rows[at] ?? []));
  }
  return lines.join('\n');
}

/** What `--save-baseline` and the names of scenarios say; a name may stand for several benches. */
export function parseBenchArgs(args: readonly string[]): {
  readonly saveBaseline: boolean;
  readonly filters: readonly string[];
} {
  const unknown = args.find((arg) => arg.startsWith('-') && arg !== '--save-baseline');
  if (unknown !== undefined) throw new Error(`${unknown} is unknown; there is --save-baseline`);
  return {
    saveBaseline: args.includes('--save-baseline'),
    filters: args.filter((arg) => !arg.startsWith('-')).flatMap((name) => GROUPS[name] ?? [name]),
  };
}

const GROUPS: Readonly<Record<string, readonly string[]>> = { database: ['postgres', 'mysql'] };
