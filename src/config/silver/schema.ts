import { compression } from '../file/schema.ts';
import { INPUT_SCOPES } from '../spec.ts';
import * as kit from '../yaml/schema-kit.ts';
import { cdcSchema } from './cdc.ts';
import { outputNames } from './output-names.ts';

/** Keys of `silver` that both dialects share. */
export const silverOptions = {
  enabled: kit.optional('Whether Silver is built.', kit.flag, { fallback: '`true`' }),
  version: kit.optional('Number of the `v<version>` folder.', kit.positiveInteger, { fallback: '`1`' }),
  load_partition_name: kit.optional('Name of the load partition: `<name>=<run date>`.', kit.text, {
    fallback: '`load_date`',
  }),
  include_pattern_folder: kit.optional(
    'Put a `pattern=<load pattern>` folder above the load partition.',
    kit.flag,
    { fallback: '`false`' },
  ),
  write_parquet: kit.optional('Write Parquet.', kit.flag, { fallback: '`true`' }),
  write_csv: kit.optional('Write CSV.', kit.flag, { fallback: '`false`' }),
  parquet_compression: compression,
  require_checksum: kit.optional('Refuse Bronze files that are not the files of their manifest.', kit.flag, {
    fallback: '`false`',
  }),
  partitioning: kit.optional(
    'Folders below the load partition.',
    kit.section({
      columns: kit.optional('Columns whose values name the folders, outermost first.', kit.textOrList, {
        fallback: '`[]`',
      }),
      keep_columns: kit.optional(
        'Keep these columns in the files too. Some readers refuse a column that is in both places.',
        kit.flag,
        { fallback: '`false`' },
      ),
    }),
  ),
  sequence_column: kit.optional('Orders rows whose order column is equal.', kit.text),
  keep_tombstones: kit.optional('Keep deleted keys in current, with `is_deleted` 1.', kit.flag, {
    fallback: '`false`',
  }),
  collapse_unchanged: kit.optional('Merge consecutive versions whose attributes are equal.', kit.flag, {
    fallback: '`false`',
  }),
  timezone: kit.optional(
    'IANA zone of times without one: where the order column mixes both, and where `types` makes a time with a zone of one without, or the reverse.',
    kit.text,
  ),
  allow_empty: kit.optional('Lets zero rows replace a load partition that holds rows.', kit.flag, {
    fallback: '`false`',
  }),
  error_handling: kit.optional(
    'What happens to rows with a NULL key, an order value that cannot be read or a value that does not fit its type.',
    kit.section({
      enabled: kit.optional('Set such rows aside instead of refusing the run.', kit.flag, {
        fallback: '`false`',
      }),
      max_bad_records: kit.optional('Rows that may be set aside.', kit.count, { fallback: '`0`' }),
      max_bad_percent: kit.optional('Percent of all rows that may be set aside.', kit.percent, {
        fallback: '`0`',
      }),
    }),
  ),
  semantic_owner: kit.optional('Owner of the Silver table.', kit.text),
  semantic_contact: kit.optional('Where to reach the owner.', kit.text),
  schema: kit.optional(
    'Names, order and types of columns.',
    kit.section({
      rename_map: kit.optional(
        'New names by old names. Keys, order, partition columns and attributes may be written by either.',
        kit.textMap,
        { fallback: '`{}`' },
      ),
      column_order: kit.optional('Columns that come first; the others keep their order.', kit.textList, {
        fallback: '`[]`',
      }),
      types: kit.optional('Same as `silver.types`.', kit.textMap),
    }),
  ),
  normalization: kit.optional(
    'Cleaning of texts, before types, keys and order are looked at.',
    kit.section({
      trim_strings: kit.optional('Strip white space around texts.', kit.flag, { fallback: '`false`' }),
      empty_strings_as_null: kit.optional('Turn empty texts into NULL.', kit.flag, { fallback: '`false`' }),
    }),
  ),
  types: kit.optional(
    'Types by column. A value that does not fit exactly is refused, or set aside with `error_handling`.',
    kit.textMap,
    { fallback: 'as in Bronze' },
  ),
  input_scope: kit.optional(
    'Which Bronze partitions are read: the run date’s, or all up to it.',
    kit.choice(INPUT_SCOPES),
    { fallback: '`partition`' },
  ),
  input_patterns: kit.optional(
    'Values of the `pattern=` folders to read with `input_scope: history`.',
    kit.textList,
    { fallback: 'all' },
  ),
  new_columns: kit.optional(
    'Whether columns that are not declared are left out or kept, with `schema_mode: allow_new_columns`.',
    kit.choice(['drop', 'keep']),
    { fallback: '`drop`' },
  ),
  detect_missing: kit.optional(
    'With `input_scope: history`: a key that a newer full snapshot no longer holds is deleted at the date of that snapshot.',
    kit.flag,
    { fallback: '`false`' },
  ),
  cdc: kit.optional('Operation column and codes of a change stream.', cdcSchema),
  ...outputNames,
} as const;

export const deleteMode = kit.optional(
  'What a row that says *deleted* does. `tombstone` is another name of `tombstone_state`.',
  kit.choice(['ignore', 'tombstone_state', 'tombstone', 'tombstone_event', 'hard_delete']),
  { fallback: '`ignore`' },
);
