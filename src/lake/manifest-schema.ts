import * as v from 'valibot';
import { LOAD_PATTERNS } from '../config/spec.ts';
import { FoundryError, messageOf } from '../core/errors.ts';
import type { Manifest } from './manifest.ts';
import { referenceRecordSchema } from './reference.ts';
import { sourceStateSchema } from './source-state.ts';

/** Below the partition folder, whoever wrote the manifest: no absolute path, no `.` or `..`, no empty segment. */
const relativePath = v.pipe(
  v.string(),
  v.regex(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    /^(?!\.{1,2}(?:\/|$))[^/\\\u0000-\u001f\u007f]+(?:\/(?!\.{1,2}(?:\/|$))[^/\\\u0000-\u001f\u007f]+)*$/,
    'is no path below the partition',
  ),
);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'is no SHA-256'));

const file = v.looseObject({
  path: relativePath,
  format: v.picklist(['parquet', 'csv', 'jsonl', 'jsonl.gz']),
  size_bytes: count,
  rows: count,
  sha256,
  role: v.picklist(['data', 'quarantine', 'raw']),
  artifact: v.exactOptional(v.string()),
  partition_values: v.exactOptional(v.record(v.string(), v.nullable(v.string()))),
});

const column = v.looseObject({ name: v.string(), type: v.string() });

const common = {
  format_version: v.literal(1),
  commit_id: v.pipe(v.string(), v.minLength(1)),
  status: v.picklist(['complete', 'empty']),
  timestamp: v.string(),
  started_at: v.string(),
  run_id: v.exactOptional(v.string()),
  tool: v.looseObject({ name: v.literal('foundry'), version: v.string(), commit: v.string() }),
  run_date: v.string(),
  record_count: count,
  chunk_count: count,
  load_pattern: v.picklist(LOAD_PATTERNS),
  files: v.array(file),
  schema: v.array(column),
  cursor: v.exactOptional(
    v.looseObject({
      column: v.string(),
      type: v.exactOptional(v.string()),
      start: v.nullable(v.string()),
      end: v.nullable(v.string()),
      end_rows: v.exactOptional(v.array(v.string())),
      start_rows: v.exactOptional(v.array(v.string())),
      reread: v.exactOptional(count),
      repeated: v.exactOptional(count),
      outside: v.exactOptional(count),
      null_rows: v.exactOptional(count),
    }),
  ),
  state: v.exactOptional(sourceStateSchema),
  inputs: v.exactOptional(v.array(v.looseObject({ path: v.string(), commit_id: v.nullable(v.string()) }))),
};

/** `_metadata.json` of a Bronze partition. */
export const bronzeMetadataSchema = v.looseObject({
  ...common,
  layer: v.literal('bronze'),
  system: v.exactOptional(v.string()),
  table: v.exactOptional(v.string()),
  environment: v.exactOptional(v.string()),
  config_name: v.exactOptional(v.nullable(v.string())),
  partition_path: v.exactOptional(v.string()),
  batch_timestamp: v.exactOptional(v.string()),
  batch_id: v.exactOptional(v.string()),
  /** When the batch was first landed: a retry keeps its place among the batches. */
  batch_started_at: v.exactOptional(v.string()),
  file_formats: v.exactOptional(v.looseObject({ csv: v.boolean(), parquet: v.boolean() })),
  runtime_seconds: v.exactOptional(v.number()),
  late_columns: v.exactOptional(
    v.array(v.looseObject({ column: v.string(), first_part: v.string(), first_row: count })),
  ),
  quarantined_rows: v.exactOptional(count),
  quarantine_reasons: v.exactOptional(v.record(v.string(), count)),
  reference_mode: v.exactOptional(v.nullable(referenceRecordSchema)),
});

/** `_metadata.json` of a Silver load partition. */
export const silverMetadataSchema = v.looseObject({
  ...common,
  layer: v.literal('silver'),
  domain: v.exactOptional(v.string()),
  entity: v.exactOptional(v.string()),
  version: v.exactOptional(v.number()),
  bronze_path: v.exactOptional(v.string()),
  input_schema: v.exactOptional(v.array(column)),
  runtime_seconds: v.exactOptional(v.number()),
});

/** What one key column, or one side, of a join is called. */
const keyPair = v.looseObject({ left: v.string(), right: v.string() });

/** `_metadata.json` of a joined table. */
export const joinMetadataSchema = v.looseObject({
  ...common,
  layer: v.literal('join'),
  config_name: v.exactOptional(v.string()),
  domain: v.exactOptional(v.string()),
  entity: v.exactOptional(v.string()),
  version: v.exactOptional(v.number()),
  joined_sources: v.exactOptional(v.array(v.string())),
  silver_model: v.exactOptional(v.string()),
  requested_model: v.exactOptional(v.string()),
  join_type: v.exactOptional(v.string()),
  join_key_pairs: v.exactOptional(v.array(keyPair)),
  primary_keys: v.exactOptional(v.array(v.string())),
  order_column: v.exactOptional(v.nullable(v.string())),
  partition_columns: v.exactOptional(v.array(column)),
  chunk_size: v.exactOptional(count),
  output_columns: v.exactOptional(v.array(v.string())),
  column_lineage: v.exactOptional(
    v.array(
      v.looseObject({
        column: v.string(),
        source: v.picklist(['both', 'left', 'right']),
        original: v.string(),
        alias: v.nullable(v.string()),
        from: v.array(v.looseObject({ side: v.string(), column: v.string(), path: v.string() })),
      }),
    ),
  ),
  progress: v.exactOptional(
    v.looseObject({ chunks_processed: count, total_records: count, last_chunk: v.nullable(count) }),
  ),
  join_stats: v.exactOptional(
    v.looseObject({
      chunk_count: count,
      matched_right_keys: count,
      unmatched_right_keys: count,
      right_only_rows: count,
    }),
  ),
  join_metrics: v.exactOptional(
    v.array(
      v.looseObject({
        chunk_index: count,
        record_count: count,
        right_rows: count,
        duration_seconds: v.number(),
      }),
    ),
  ),
  quality_guards: v.exactOptional(
    v.array(v.looseObject({ name: v.string(), status: v.picklist(['passed', 'failed']) })),
  ),
  runtime_seconds: v.exactOptional(v.number()),
});

const manifestSchema = v.variant('layer', [bronzeMetadataSchema, silverMetadataSchema, joinMetadataSchema]);

/** `_checksums.json`, foundry's and the original's (which has no `commit_id`). */
export const checksumsSchema = v.looseObject({
  timestamp: v.exactOptional(v.string()),
  load_pattern: v.exactOptional(v.string()),
  commit_id: v.exactOptional(v.string()),
  files: v.array(v.looseObject({ path: relativePath, size_bytes: count, sha256 })),
});

export type Checksums = v.InferOutput<typeof checksumsSchema>;

/**
 * The manifest in the bytes of a `_metadata.json`; undefined when the original wrote it (decision 27).
 * @throws STATE001 when it is broken, naming `where` and the fields that are wrong.
 */
export function parseManifest(bytes: Uint8Array, where: string): Manifest | undefined {
  const content = parseJson(bytes, where);
  if (isOriginals(content)) return undefined;
  if (typeof content === 'object' && content !== null && 'format_version' in content) {
    const version = content.format_version;
    if (typeof version === 'number' && version > 1) {
      throw new FoundryError(
        'STATE001',
        `${where} was written by a newer foundry (format_version ${version})`,
        {
          hint: 'Use that version, or a newer one.',
        },
      );
    }
  }
  return check(manifestSchema, content, where);
}

/** @throws STATE001 */
export function parseChecksums(bytes: Uint8Array, where: string): Checksums {
  return check(checksumsSchema, parseJson(bytes, where), where);
}

function isOriginals(content: unknown): boolean {
  return (
    typeof content === 'object' &&
    content !== null &&
    !Array.isArray(content) &&
    'timestamp' in content &&
    !('format_version' in content) &&
    !('commit_id' in content)
  );
}

function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new FoundryError('STATE001', `${where} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

function check<T>(schema: v.GenericSchema<unknown, T>, content: unknown, where: string): T {
  const result = v.safeParse(schema, content);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  throw new FoundryError(
    'STATE001',
    `${where} is no manifest that foundry knows: ${problems.slice(0, 5).join('; ')}`,
  );
}
