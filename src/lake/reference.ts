import * as v from 'valibot';
import { DELTA_MODES, REFERENCE_ROLES } from '../config/spec.ts';
import type { Manifest } from './manifest.ts';

/** The `reference_mode` block of a Bronze manifest: what this partition is in its rotation. */
export const referenceRecordSchema = v.looseObject({
  role: v.picklist(REFERENCE_ROLES),
  /** What the run decided to be; differs from the role only where that is `auto`. */
  reference_type: v.picklist(['reference', 'delta']),
  cadence_days: v.nullable(v.number()),
  delta_patterns: v.array(v.string()),
  delta_mode: v.picklist(DELTA_MODES),
  /** Of the reference that a delta belongs to, or of the reference itself; null where there is none. */
  reference_path: v.nullable(v.string()),
  reference_run_date: v.nullable(v.string()),
});

export type ReferenceRecord = v.InferOutput<typeof referenceRecordSchema>;

/** Undefined where a partition takes part in no rotation. */
export function referenceOf(
  manifest: Manifest | undefined,
): { readonly type: 'reference' | 'delta'; readonly isCumulative: boolean } | undefined {
  const parsed = v.safeParse(referenceRecordSchema, manifest?.reference_mode);
  if (!parsed.success) return undefined;
  const { reference_type: type, delta_mode: mode } = parsed.output;
  return { type, isCumulative: type === 'delta' && mode === 'cumulative' };
}
