import type * as v from 'valibot';
import {
  checkColumns,
  checkFolder,
  checkFormats,
  checkName,
  checkNames,
  checkPartitionName,
  checkTimezone,
  outputFormats,
} from '../rules.ts';
import type {
  DeleteMode,
  ErrorHandling,
  LoadPattern,
  SchemaMode,
  SilverModelName,
  SilverSpec,
} from '../spec.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import { cdcSpec, checkCdc } from './cdc.ts';
import { artifactNames, artifactOf, OUTPUTS, type OutputNames, sharedName } from './output-names.ts';
import type { silverOptions } from './schema.ts';
import { checkShaping, columnShaping } from './shaping.ts';

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
  checkCdc(silver.cdc, [...at, 'cdc'], report);
  for (const output of OUTPUTS) {
    checkName(silver[`${output}_output_name`], [...at, `${output}_output_name`], report);
  }
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

/** Reports names of files that the model does not write, and one name for two artifacts. */
export function checkOutputNames(model: SilverModelName, silver: OutputNames, report: Report): void {
  for (const output of OUTPUTS) {
    const key = `${output}_output_name` as const;
    if (silver[key] === undefined || artifactOf(model, output) !== undefined) continue;
    report.warn(['silver', key], `'${key}' has no effect on the model ${model}`);
  }
  const { full_output_name: full, cdc_output_name: cdc, current_output_name: current } = silver;
  const rivals = [
    ['full', full, 'cdc', cdc],
    ['full', full, 'current', current],
  ] as const;
  for (const [a, nameOfA, b, nameOfB] of rivals) {
    const isSame = artifactOf(model, a) !== undefined && artifactOf(model, a) === artifactOf(model, b);
    if (!isSame || nameOfA === undefined || nameOfB === undefined || nameOfA === nameOfB) continue;
    report.invalid(
      ['silver', `${b}_output_name`],
      `${a}_output_name and ${b}_output_name name the same artifact ${artifactOf(model, a)}; keep one of them`,
    );
  }
  const shared = sharedName(model, artifactNames(model, silver));
  if (shared === undefined) return;
  const key = silver.current_output_name === undefined ? 'history_output_name' : 'current_output_name';
  report.invalid(['silver', key], `both artifacts of the model ${model} would be named "${shared}"`);
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
    ...(silver.detect_missing === true && { detectMissing: true }),
    ...(silver.cdc !== undefined && { cdc: cdcSpec(silver.cdc) }),
    keepTombstones: silver.keep_tombstones ?? false,
    collapseUnchanged: silver.collapse_unchanged ?? false,
    ...(silver.new_columns === 'keep' && { keepNewColumns: true }),
    ...(shaping !== undefined && { shaping }),
    ...(silver.timezone !== undefined && { timezone: silver.timezone }),
    formats: outputFormats(silver.write_parquet, silver.write_csv, silver.parquet_compression),
    requireChecksum: silver.require_checksum ?? false,
    errorHandling: errorHandling(silver),
    allowEmpty: silver.allow_empty ?? false,
    ...(silver.semantic_owner !== undefined && { semanticOwner: silver.semantic_owner }),
    ...(silver.semantic_contact !== undefined && { semanticContact: silver.semantic_contact }),
  } satisfies Partial<SilverSpec>;
}

function errorHandling({ error_handling: given }: Partly<SilverOptions>): ErrorHandling {
  return {
    enabled: given?.enabled ?? false,
    maxBadRecords: given?.max_bad_records ?? 0,
    maxBadPercent: given?.max_bad_percent ?? 0,
  };
}

/** Bronze keeps bad rows aside where Silver does. */
export function bronzeErrorHandling(silver: Partly<SilverOptions> | undefined): {
  errorHandling?: ErrorHandling;
} {
  return silver?.error_handling?.enabled === true ? { errorHandling: errorHandling(silver) } : {};
}
