import type { OutputFormats, SilverModelName } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { parseRunDate } from '../core/run-date.ts';
import { DEFAULT_SIZES, PATTERNS, type SamplePattern, type SampleSizes } from '../samples/patterns.ts';
import { SAMPLE_MODELS } from '../samples/silver-spec.ts';
import { commaList } from './flag-values.ts';

type Given = Readonly<Record<string, unknown>>;

/** @throws USE001 naming the flag whose value is no date or number, and for flags that contradict each other. */
export function sizesOf(given: Given): SampleSizes {
  const number = (flag: string, fallback: number, least = 1): number =>
    wholeNumber(flag, given[flag], least) ?? fallback;
  if (given['enable-updates'] === true && given['disable-updates'] === true) {
    throw new FoundryError('USE001', '--enable-updates and --disable-updates contradict each other');
  }
  const sized = ['days', 'full-row-count', 'cdc-row-count'].find((flag) => given[flag] !== undefined);
  if (given.large === true && sized !== undefined) {
    throw new FoundryError('USE001', `--large and --${sized} contradict each other`);
  }
  const days = number('days', DEFAULT_SIZES.days);
  const fullRows = number('full-row-count', DEFAULT_SIZES.fullRows);
  const cdcRows = number('cdc-row-count', DEFAULT_SIZES.cdcRows);
  const seed = wholeNumber('seed', given.seed, 0);
  return {
    startDate: startDate(given['start-date']),
    days,
    fullRows,
    cdcRows,
    currentRows: number('current-rows', DEFAULT_SIZES.currentRows),
    historyRows: number('history-rows', DEFAULT_SIZES.historyRows, 0),
    referenceRows: number('hybrid-reference-rows', fullRows),
    deltaRows: number('hybrid-delta-rows', cdcRows),
    hybridDays: number('hybrid-days', days),
    growth: number('linear-growth', DEFAULT_SIZES.growth, 0),
    updates: given['disable-updates'] !== true,
    ...(seed === undefined ? {} : { seed }),
  };
}

function wholeNumber(flag: string, text: unknown, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(String(text)) ? Number(text) : Number.NaN;
  if (value >= least) return value;
  throw new FoundryError('USE001', `--${flag}: "${text}" is not a whole number from ${least} to 999999999`);
}

function startDate(text: unknown): string {
  if (text === undefined) return DEFAULT_SIZES.startDate;
  const parsed = parseRunDate(String(text));
  if (parsed !== undefined && parsed.hour === undefined) return parsed.date;
  throw new FoundryError('USE001', `--start-date: "${text}" is not a date; write YYYY-MM-DD`);
}

/** Patterns by number (`1`), folder (`pattern1_full_events`) or label (`full`), each once, in the order of numbers. */
export function patternsOf(list: string | undefined): readonly SamplePattern[] {
  const wanted = commaList(list);
  const known = PATTERNS.flatMap(({ number, folder, label }) => [String(number), folder, label]);
  for (const name of wanted) {
    if (known.includes(name)) continue;
    throw new FoundryError('USE001', `--patterns: there is no pattern "${name}"${didYouMean(name, known)}`, {
      hint: `One of ${PATTERNS.map(({ number, folder }) => `${number} (${folder})`).join(', ')}.`,
    });
  }
  if (wanted.length === 0) return PATTERNS;
  return PATTERNS.filter(({ number, folder, label }) =>
    [String(number), folder, label].some((name) => wanted.includes(name)),
  );
}

export function modelsOf(list: string | undefined): readonly SilverModelName[] {
  const wanted = commaList(list);
  const unknown = wanted.find((name) => !SAMPLE_MODELS.some((model) => model === name));
  if (unknown !== undefined) {
    const known = SAMPLE_MODELS.join(', ');
    throw new FoundryError(
      'USE001',
      `--models: there is no model "${unknown}"${didYouMean(unknown, SAMPLE_MODELS)}`,
      {
        hint: `One of ${known}.`,
      },
    );
  }
  return wanted.length === 0 ? SAMPLE_MODELS : SAMPLE_MODELS.filter((model) => wanted.includes(model));
}

export function formatsOf(formats: 'parquet' | 'csv' | 'both'): OutputFormats {
  return { parquet: formats !== 'csv', csv: formats !== 'parquet', compression: 'snappy' };
}

/** @throws USE001 for a flag that would have no effect. */
export function refuseFlagsOf(given: Given, flags: readonly string[], what: string): void {
  const misplaced = flags.find((flag) => given[flag] !== undefined && given[flag] !== false);
  if (misplaced !== undefined) throw new FoundryError('USE001', `--${misplaced} is for ${what}`);
}
