import type { LoadPattern } from '../config/spec.ts';

/** The seven shapes of source data, by the original's numbers. */
export interface SamplePattern {
  readonly number: number;
  /** Value of the `sample=` folder. */
  readonly folder: string;
  /** First folder of its Silver samples. */
  readonly label: string;
  readonly loadPattern: LoadPattern;
  /** Of the original's generator. */
  readonly seed: number;
  readonly hybrid?: { readonly tag: 'cdc' | 'incremental_merge'; readonly deltaMode: DeltaMode };
}

type DeltaMode = 'point_in_time' | 'cumulative';

function hybrid(number: number, kind: 'cdc' | 'incremental', deltaMode: DeltaMode): SamplePattern {
  const label = `hybrid_${kind}_${deltaMode === 'cumulative' ? 'cumulative' : 'point'}`;
  return {
    number,
    folder: `pattern${number}_${label}`,
    label,
    loadPattern: 'cdc',
    seed: 123,
    hybrid: { tag: kind === 'cdc' ? 'cdc' : 'incremental_merge', deltaMode },
  };
}

export const PATTERNS: readonly SamplePattern[] = [
  { number: 1, folder: 'pattern1_full_events', label: 'full', loadPattern: 'full', seed: 42 },
  { number: 2, folder: 'pattern2_cdc_events', label: 'cdc', loadPattern: 'cdc', seed: 99 },
  {
    number: 3,
    folder: 'pattern3_scd_state',
    label: 'current_history',
    loadPattern: 'current_history',
    seed: 7,
  },
  hybrid(4, 'cdc', 'point_in_time'),
  hybrid(5, 'cdc', 'cumulative'),
  hybrid(6, 'incremental', 'point_in_time'),
  hybrid(7, 'incremental', 'cumulative'),
];

export interface SampleSizes {
  /** First day, `YYYY-MM-DD`. */
  readonly startDate: string;
  readonly days: number;
  readonly fullRows: number;
  readonly cdcRows: number;
  readonly currentRows: number;
  readonly historyRows: number;
  readonly referenceRows: number;
  readonly deltaRows: number;
  readonly hybridDays: number;
  /** Rows that each day of pattern 1 has more than the day before. */
  readonly growth: number;
  /** Whether later rows change what earlier ones said; without, every row is of an id of its own. */
  readonly updates: boolean;
  /** Instead of each pattern's own. */
  readonly seed?: number;
}

export const DEFAULT_SIZES: SampleSizes = {
  startDate: '2025-11-13',
  days: 60,
  fullRows: 250_000,
  cdcRows: 250_000,
  currentRows: 250_000,
  historyRows: 100_000,
  referenceRows: 250_000,
  deltaRows: 250_000,
  hybridDays: 60,
  growth: 2_500,
  updates: true,
};

/** Patterns of one seed still differ from each other. */
export function seedOf(pattern: SamplePattern, sizes: SampleSizes): number {
  return sizes.seed === undefined ? pattern.seed : sizes.seed * 8 + pattern.number;
}
