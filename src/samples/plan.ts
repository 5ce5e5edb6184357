import { cdcParts } from './cdc.ts';
import { calendarFrom } from './days.ts';
import { fullParts } from './full.ts';
import { deltaPart, referencePart, SECOND_REFERENCE_DAY } from './hybrid.ts';
import type { SamplePart } from './part.ts';
import { type SamplePattern, type SampleSizes, seedOf } from './patterns.ts';
import { stateParts } from './state.ts';

export const SAMPLE_SYSTEM = 'retail_demo';
export const SAMPLE_TABLE = 'orders';

/** The `reference_mode` of a hybrid's metadata, in the original's form. */
interface SampleReference {
  readonly role: 'reference' | 'delta';
  /** The reference that a delta belongs to: on the second one's own day still the first. */
  readonly reference_run_date: string;
  readonly delta_mode: 'point_in_time' | 'cumulative';
  readonly delta_patterns: readonly string[];
}

/** One folder of sample files with its metadata; nothing is made yet. */
export interface SampleFolder {
  readonly pattern: SamplePattern;
  /** Below the base. */
  readonly path: string;
  readonly date: string;
  readonly parts: readonly SamplePart[];
  readonly reference?: SampleReference;
}

/** The folder of one pattern below the base of the samples. */
export function patternPath({ folder }: SamplePattern): string {
  return `sample=${folder}`;
}

/** Below which the days of a pattern lie. */
export function tablePath(pattern: SamplePattern): string {
  return `${patternPath(pattern)}/system=${SAMPLE_SYSTEM}/table=${SAMPLE_TABLE}`;
}

/** Every folder of one pattern, by date. */
export function samplePlan(pattern: SamplePattern, sizes: SampleSizes): SampleFolder[] {
  if (pattern.hybrid !== undefined) return hybridFolders(pattern, pattern.hybrid, sizes);
  const partsOf = { full: fullParts, cdc: cdcParts, current_history: stateParts }[pattern.loadPattern];
  return Array.from({ length: sizes.days }, (_, day) => ({
    pattern,
    path: dayPath(pattern, day, sizes),
    date: calendarFrom(sizes.startDate).date(day),
    parts: partsOf(day, seedOf(pattern, sizes), sizes),
  }));
}

function hybridFolders(
  pattern: SamplePattern,
  hybrid: NonNullable<SamplePattern['hybrid']>,
  sizes: SampleSizes,
): SampleFolder[] {
  const seed = seedOf(pattern, sizes);
  const folder = (day: number, role: SampleReference['role'], referenceDay: number, part: SamplePart) => ({
    day,
    pattern,
    path: `${dayPath(pattern, day, sizes)}/${role}`,
    date: calendarFrom(sizes.startDate).date(day),
    parts: [part],
    reference: {
      role,
      reference_run_date: calendarFrom(sizes.startDate).date(referenceDay),
      delta_mode: hybrid.deltaMode,
      delta_patterns: [hybrid.tag],
    },
  });
  const references = [0, SECOND_REFERENCE_DAY].map((day) =>
    folder(day, 'reference', day, referencePart(day, seed, sizes)),
  );
  const deltas = Array.from({ length: sizes.hybridDays }, (_, index) => {
    const day = index + 1;
    const referenceDay = day <= SECOND_REFERENCE_DAY ? 0 : SECOND_REFERENCE_DAY;
    return folder(day, 'delta', referenceDay, deltaPart(day, seed, sizes, hybrid));
  });
  return [...references, ...deltas].sort((a, b) => a.day - b.day).map(({ day: _day, ...rest }) => rest);
}

function dayPath(pattern: SamplePattern, day: number, sizes: SampleSizes): string {
  return `${tablePath(pattern)}/dt=${calendarFrom(sizes.startDate).date(day)}`;
}
