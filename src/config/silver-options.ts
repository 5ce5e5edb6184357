import type * as v from 'valibot';
import type { ConfigPath } from './problems.ts';
import type { Report } from './report.ts';
import {
  checkColumns,
  checkFolder,
  checkFormats,
  checkNames,
  checkPartitionName,
  checkTimezone,
  outputFormats,
} from './rules.ts';
import type { silverOptions } from './silver-schema.ts';
import { checkShaping, columnShaping } from './silver-shaping.ts';
import type { DeleteMode, LoadPattern, SchemaMode, SilverSpec } from './spec.ts';
import type { Partly } from './validate.ts';

type Entries = typeof silverOptions;
export type SilverOptions = { readonly [K in keyof Entries]?: v.InferOutput<Entries[K]> };

/** The rules of `silver` that both dialects share and that need more than a type. */
export function checkSilverOptions(
  silver: Partly<SilverOptions> & {
    readonly output_dir?: string | undefined;
    readonly schema_mode?: SchemaMode | undefined;
  },
  at: ConfigPath,
  report: Report,
): void {
  checkFolder(silver.output_dir, [...at, 'output_dir'], report);
  checkPartitionName(silver.load_partition_name, [...at, 'load_partition_name'], report);
  checkTimezone(silver.timezone, [...at, 'timezone'], report);
  checkColumns(columnList(silver.partitioning?.columns), [...at, 'partitioning', 'columns'], report, {
    atLeastOne: false,
  });
  if (silver.sequence_column?.trim() === '') {
    report.invalid([...at, 'sequence_column'], 'sequence_column must not be empty');
  }
  checkInputs(silver, at, report);
  checkShaping(silver, at, report);
  if (silver.new_columns !== undefined && silver.schema_mode !== 'allow_new_columns') {
    report.warn(
      [...at, 'new_columns'],
      "'new_columns' has no effect unless schema_mode is allow_new_columns",
    );
  }
  const formats = outputFormats(silver.write_parquet, silver.write_csv, undefined);
  checkFormats(formats, [...at, silver.write_parquet === false ? 'write_parquet' : 'write_csv'], report);
}

function checkInputs(silver: Partly<SilverOptions>, at: ConfigPath, report: Report): void {
  const here = [...at, 'input_patterns'];
  const { input_patterns: patterns, input_scope: scope } = silver;
  if (patterns === undefined) return;
  if (scope !== 'history' && !report.isMuted([...at, 'input_scope'])) {
    report.warn(here, "'input_patterns' has no effect unless input_scope is history");
  }
  checkNames(patterns, here, report);
}

/** A single text is a list of one. */
export function columnList(columns: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof columns === 'string' ? [columns] : columns;
}

export function deleteModeOf(mode: DeleteMode | 'tombstone' | undefined): DeleteMode {
  return mode === 'tombstone' ? 'tombstone_state' : (mode ?? 'ignore');
}

/** The part of a Silver spec that both dialects decide alike. */
export function silverPart(silver: SilverOptions, pattern: LoadPattern) {
  const shaping = columnShaping(silver);
  return {
    enabled: silver.enabled ?? true,
    version: silver.version ?? 1,
    loadPartitionName: silver.load_partition_name ?? 'load_date',
    inputScope: silver.input_scope ?? 'partition',
    ...(silver.input_patterns !== undefined && { inputPatterns: silver.input_patterns }),
    ...(silver.include_pattern_folder === true && { patternFolder: pattern }),
    ...(silver.sequence_column !== undefined && { sequenceColumn: silver.sequence_column }),
    keepTombstones: silver.keep_tombstones ?? false,
    collapseUnchanged: silver.collapse_unchanged ?? false,
    ...(silver.new_columns === 'keep' && { keepNewColumns: true }),
    ...(shaping !== undefined && { shaping }),
    ...(silver.timezone !== undefined && { timezone: silver.timezone }),
    formats: outputFormats(silver.write_parquet, silver.write_csv, silver.parquet_compression),
    requireChecksum: silver.require_checksum ?? false,
    errorHandling: {
      enabled: silver.error_handling?.enabled ?? false,
      maxBadRecords: silver.error_handling?.max_bad_records ?? 0,
      maxBadPercent: silver.error_handling?.max_bad_percent ?? 0,
    },
    allowEmpty: silver.allow_empty ?? false,
    ...(silver.semantic_owner !== undefined && { semanticOwner: silver.semantic_owner }),
    ...(silver.semantic_contact !== undefined && { semanticContact: silver.semantic_contact }),
  } satisfies Partial<SilverSpec>;
}
