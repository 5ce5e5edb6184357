import * as v from 'valibot';
import { COMPRESSIONS, DELTA_MODES, LOAD_PATTERNS, REFERENCE_ROLES } from '../spec.ts';
import * as kit from '../yaml/schema-kit.ts';

export const FILE_FORMATS = ['csv', 'tsv', 'json', 'jsonl', 'parquet'] as const;
export const PARTITION_STRATEGIES = ['date', 'hourly', 'timestamp', 'batch_id', 'none'] as const;
export const SOURCE_TYPES = ['file', 'api', 'db', 'custom', 'command'] as const;

/** Versions of the config language that the original knew; all of them read alike. */
export const CONFIG_VERSIONS = [1, 2, 3] as const;
export const version = kit.optional('Version of the config language: 1, 2 or 3.', kit.positiveInteger, {
  fallback: '`1`',
});
export const patternId = kit.optional('Label that goes into the metadata of both layers.', kit.text);
export const environment = kit.optional('The `env=` folder of Bronze and Silver.', kit.text);

const loadPattern = kit.optional(
  'What a partition holds: everything (`full`), changes (`cdc`), or current and older versions (`current_history`). Names the `pattern=` folder and chooses the default Silver model.',
  kit.choice(LOAD_PATTERNS),
  { fallback: '`full`' },
);

export const compression = kit.optional('Codec of Parquet files.', kit.choice(COMPRESSIONS), {
  fallback: '`snappy`',
});

export const sourceType = kit.choice(SOURCE_TYPES);

/** Keys of `source.file` and of `bronze.options.file`, except the path. */
export const fileOptions = {
  format: kit.optional('Format of the files.', kit.choice(FILE_FORMATS), {
    fallback: 'from the extension (`.csv.gz`, `.csv.zst` are csv)',
  }),
  delimiter: kit.optional('The character between cells.', kit.text, { fallback: '`,`; a tab for tsv' }),
  quote: kit.optional('The character around cells that hold delimiters or line ends.', kit.text, {
    fallback: '`"`',
  }),
  encoding: kit.optional(
    'Character encoding of text: `utf-8`, `utf-16` (with a byte order mark), `utf-16le`, `utf-16be`, `latin1` (`iso-8859-1`) or `windows-1252` (`cp1252`).',
    kit.text,
    {
      fallback: '`utf-8`',
    },
  ),
  has_header: kit.optional('Whether the first line holds the column names.', kit.flag, {
    fallback: '`true`',
  }),
  fieldnames: kit.optional('Column names; required when `has_header` is false.', kit.textList),
  null_values: kit.optional('Cells that mean NULL, beside the empty cell.', kit.textList, {
    fallback: '`[]`',
  }),
  types: kit.optional(
    '`text` keeps every cell as it is, `infer` types a column where no value would change, a mapping `{column: type}` types the columns named.',
    v.union(
      [kit.choice(['text', 'infer']), kit.textMap],
      'must be text, infer, or a mapping of columns to types',
    ),
    { fallback: '`text`' },
  ),
  columns: kit.optional(
    'The columns to land, in this order. A name that the source lacks gives NULLs.',
    kit.textList,
    { fallback: 'all' },
  ),
  limit_rows: kit.optional('Land only the first rows.', kit.positiveInteger, { fallback: 'all rows' }),
  json_path: kit.optional(
    'Path to the records of a JSON document: names and list indexes, `envelope.items` or `pages[0].rows`.',
    kit.text,
    {
      fallback: 'the document itself',
    },
  ),
} as const;

export const deltaMode = kit.optional(
  'What a delta holds: the changes of its day (`point_in_time`), or all since its reference (`cumulative`).',
  kit.choice(DELTA_MODES),
  { fallback: '`point_in_time`' },
);

/** Keys of `source.run` and of `bronze.options`. */
export const runOptions = {
  load_pattern: loadPattern,
  local_output_dir: kit.optional('Bronze base folder.', kit.text, { fallback: '`./output`' }),
  pattern_folder: kit.optional('Value of the `pattern=` folder.', kit.text, { fallback: 'the load pattern' }),
  max_rows_per_file: kit.optional('Rows after which a new part file begins; 0 means no limit.', kit.integer, {
    fallback: '`0`',
  }),
  max_file_size_mb: kit.optional(
    'Size (MiB of the written file) after which a new part file begins.',
    kit.aboveZero,
    { fallback: 'no limit' },
  ),
  batch_id: kit.optional(
    'Value of the `batch_id=` folder, for the strategy `batch_id`. A run with the same id replaces that batch.',
    kit.text,
    { fallback: 'generated' },
  ),
  timezone: kit.optional('IANA zone of `hour=` and `batch=` folders.', kit.text, { fallback: '`UTC`' }),
  allow_empty: kit.optional('Lets a full load of zero rows replace a partition that holds rows.', kit.flag, {
    fallback: '`false`',
  }),
  parquet_compression: compression,
  parallel_workers: kit.optional(
    'Chunks that are read at once from a database, each a connection and a part file. Other sources are read as one stream, whatever it says.',
    kit.positiveInteger,
    { fallback: '`1`' },
  ),
  cleanup_on_failure: kit.optional(
    'Accepted for configs of the original. A failed run never leaves anything behind.',
    kit.flag,
    { fallback: '`true`' },
  ),
  storage_enabled: kit.optional(
    'Publish Bronze to the storage backend. Changes nothing on the local backend.',
    kit.flag,
    { fallback: '`true`' },
  ),
  s3_enabled: kit.optional('Older name of `storage_enabled`.', kit.flag, { fallback: '`true`' }),
  keep_local: kit.optional(
    'Keep the local copy after publishing. Changes nothing on the local backend.',
    kit.flag,
    { fallback: '`false`' },
  ),
  reference_mode: kit.optional(
    'Reference and delta runs of a hybrid dataset.',
    kit.section({
      enabled: kit.optional('Whether it is on.', kit.flag, { fallback: '`true`' }),
      role: kit.optional(
        'What a run lands: a full `reference`, a `delta`, or whatever the cadence says (`auto`).',
        kit.choice(REFERENCE_ROLES),
        { fallback: '`reference`' },
      ),
      cadence_days: kit.optional('Days from one reference to the next.', kit.positiveInteger),
      delta_patterns: kit.optional('Values of the `pattern=` folders that hold the deltas.', kit.textList, {
        fallback: '`[]`: the dataset’s own',
      }),
      delta_mode: deltaMode,
    }),
    { fallback: 'off' },
  ),
} as const;

/** Keys that only matter for APIs, and are reported as having no effect on other sources. */
export const apiRunOptions = {
  timeout_seconds: kit.optional('Seconds that an API may give no byte of an answer.', kit.aboveZero, {
    fallback: '`30`',
  }),
  rate_limit_rps: kit.optional('API requests a second.', kit.aboveZero, {
    fallback: 'the variable BRONZE_API_RPS, else no limit',
  }),
  max_retry_attempts: kit.optional('Attempts of an API request.', kit.positiveInteger, { fallback: '`5`' }),
  retry_base_delay: kit.optional('Seconds before the second attempt of an API request.', kit.aboveZero, {
    fallback: '`0.5`',
  }),
} as const;

export const outputDefaults = kit.section({
  allow_csv: kit.optional('Whether CSV may be written at all.', kit.flag, { fallback: '`true`' }),
  allow_parquet: kit.optional('Whether Parquet may be written at all.', kit.flag, { fallback: '`true`' }),
  default_parquet_compression: kit.optional('Codec where the run names none.', kit.choice(COMPRESSIONS), {
    fallback: '`snappy`',
  }),
  parquet_compression: kit.optional(
    'Another spelling of `default_parquet_compression`.',
    kit.choice(COMPRESSIONS),
  ),
});

export const derivedPaths = kit.optional('Paths of one day, for readers of the file.', kit.anyMapping, {
  obsolete: '`config expand` wrote it for readers; the paths follow from the other keys',
});

/** What the original had and foundry leaves out (decision 23): configs that carry it still run. */
export const leftOut = {
  polybase_setup: kit.optional('Was for PolyBase.', v.unknown(), {
    obsolete: 'PolyBase DDL is left out; query the files instead',
  }),
  bronze_status: kit.optional('Label.', v.unknown(), { obsolete: 'use bronze.enabled' }),
  run_mode: kit.optional('Label.', v.unknown(), { obsolete: 'use --dry-run or --validate-only' }),
  test_range_days: kit.optional('Label.', v.unknown(), { obsolete: 'run with --date once a day' }),
} as const;
