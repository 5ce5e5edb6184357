import * as v from 'valibot';
import { FoundryError, messageOf } from '../core/errors.ts';

/** Folder of the records at the base of a lake. Readers of tables pass over names that begin with `_`. */
export const RUNS_FOLDER = '_runs';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What one step of a run, the landing or the promotion of one dataset, leaves beside the data. */
export const runRecordSchema = v.looseObject({
  format_version: v.literal(1),
  run_id: v.string(),
  command: v.string(),
  dataset: v.string(),
  layer: v.picklist(['bronze', 'silver', 'join']),
  /** `running` until it ends: what a run that was killed leaves. */
  outcome: v.picklist(['running', 'complete', 'unchanged', 'empty', 'failed', 'interrupted']),
  /** Of this step; the process may have ended with another one. */
  exit_code: v.exactOptional(count),
  config: v.string(),
  run_date: v.string(),
  started_at: v.string(),
  ended_at: v.exactOptional(v.string()),
  seconds: v.exactOptional(v.number()),
  tool: v.looseObject({ name: v.literal('foundry'), version: v.string(), commit: v.string() }),
  host: v.string(),
  pid: count,
  /** Of many inputs the first ones; `inputs_total` says how many there were. */
  inputs: v.exactOptional(v.array(v.looseObject({ path: v.string() }))),
  inputs_total: v.exactOptional(count),
  output: v.exactOptional(
    v.looseObject({
      location: v.string(),
      /** Key of the partition below the base. */
      partition: v.exactOptional(v.string()),
      commit_id: v.exactOptional(v.string()),
      files: count,
      size_bytes: count,
    }),
  ),
  rows: v.exactOptional(v.record(v.string(), count)),
  error: v.exactOptional(
    v.looseObject({ code: v.string(), message: v.string(), hint: v.string(), retryable: v.boolean() }),
  ),
});

export type RunRecord = v.InferOutput<typeof runRecordSchema>;

/** @throws STATE001 naming `where`. */
export function parseRunRecord(bytes: Uint8Array, where: string): RunRecord {
  const result = v.safeParse(runRecordSchema, parseJson(bytes, where));
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  throw new FoundryError('STATE001', `${where} is no record of a run: ${problems.slice(0, 3).join('; ')}`);
}

function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new FoundryError('STATE001', `${where} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}
