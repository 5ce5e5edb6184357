import * as v from 'valibot';
import { compression, environment, version } from '../file/schema.ts';
import { MODEL_NAMES, PROFILE_NAMES } from '../silver/models.ts';
import { azureConnectionSchema, s3ConnectionSchema, storageMetadataSchema } from '../storage/schema.ts';
import * as kit from '../yaml/schema-kit.ts';
import { JOIN_PROFILES, JOIN_STRATEGIES, JOIN_TYPES } from './spec.ts';

const BACKENDS = ['local', 's3', 'azure'] as const;

const bronze = {
  storage_backend: kit.optional('Where what is not on the local disk lies.', kit.choice(BACKENDS), {
    fallback: '`s3` or `azure` where a bucket or container is named, else `local`',
  }),
  s3_bucket: kit.optional('Bucket, for s3.', kit.text),
  s3_prefix: kit.optional('Prefix in the bucket, for s3.', kit.text),
  azure_container: kit.optional('Container, for azure.', kit.text),
  azure_prefix: kit.optional('Prefix in the container, for azure.', kit.text),
  storage_metadata: kit.optional(
    'Classification of the storage, for `--storage-scope onprem`.',
    storageMetadataSchema,
  ),
} as const;

const platformEntries = {
  bronze: kit.optional('The storage.', kit.section(bronze)),
  s3_connection: kit.optional('How S3 is reached.', s3ConnectionSchema),
  azure_connection: kit.optional('How Azure Blob Storage is reached.', azureConnectionSchema),
} as const;

/** The keys of a shared platform that say something to a join. */
export const PLATFORM_KEYS = {
  platform: Object.keys(platformEntries),
  bronze: Object.keys(bronze),
} as const;

const asset = {
  base: kit.optional('Base folder of the asset, or its URI.', kit.text, {
    fallback: 'the bucket or container of `platform`, else `./silver`',
  }),
  domain: kit.optional('The `domain=` folder of the asset.', kit.text),
  entity: kit.optional('The `entity=` folder of the asset.', kit.text),
  version: kit.optional('Number of its `v<version>` folder.', kit.positiveInteger, { fallback: '`1`' }),
  environment: kit.optional('Its `env=` folder.', kit.text, { fallback: '`environment` at the top level' }),
  pattern: kit.optional('Value of its `pattern=` folder, where it has one.', kit.text),
  load_partition_name: kit.optional('Left side of its `<name>=<date>` folder.', kit.text, {
    fallback: '`load_date`',
  }),
} as const;

const side = kit.section({
  path: kit.optional(
    'Folder of a load partition, or its URI. `{date}`, `{yyyy}`, `{mm}` and `{dd}` are taken from the run date.',
    kit.text,
    { fallback: 'none; `domain` and `entity` name the asset then' },
  ),
  ...asset,
  load_date: kit.optional(
    'Which load of the asset: a date, or `latest`, the newest one up to the run date.',
    kit.text,
    { fallback: 'the run date' },
  ),
  artifact: kit.optional(
    'Which artifact of the asset: `history`, `current`, `events`, or the name of one.',
    kit.text,
    { fallback: 'the one there is; of several the current rows, with `as_of` the history' },
  ),
  platform: kit.optional(
    'Laid over `platform`, key by key, for this side alone. What stands in `bronze` may also stand here directly.',
    kit.section({ ...platformEntries, ...bronze }),
  ),
  name: kit.optional('Label of the side, for messages and the manifest.', kit.text),
});

const keyPair = v.union([kit.text, kit.textMap], 'must be a text or {left, right}');
const selected = v.union([kit.text, kit.textMap], 'must be a text, {source, alias} or {name: alias}');
const ratio = v.pipe(
  v.number('must be a number from 0 to 1'),
  v.minValue(0, 'must be a number from 0 to 1'),
  v.maxValue(1, 'must be a number from 0 to 1'),
);

const guards = kit.section({
  row_count: kit.optional(
    'How many rows may come out.',
    kit.section({
      min: kit.optional('At least.', kit.count),
      max: kit.optional('At most.', kit.count),
    }),
  ),
  null_ratio: kit.optional(
    'Columns that may be NULL in a part of the rows only.',
    v.array(
      kit.section({
        column: kit.required('Column of the output.', kit.text),
        max_ratio: kit.optional('Part of the rows, 0 to 1.', ratio, { fallback: '`0`' }),
      }),
      'must be a list of {column, max_ratio}',
    ),
  ),
  unique_keys: kit.optional(
    'Columns that together are different in every row.',
    v.array(
      kit.section({
        columns: kit.optional('Columns of the output.', kit.textOrList),
        keys: kit.optional('Another spelling of `columns`.', kit.textOrList),
      }),
      'must be a list of {columns}',
    ),
  ),
  match_rate: kit.optional(
    'How many left rows must find a match.',
    kit.section({ min: kit.required('Part of the left rows, 0 to 1.', ratio) }),
  ),
  fan_out: kit.optional(
    'How many right rows one left row may find.',
    kit.section({ max: kit.required('Right rows of one left row.', kit.positiveInteger) }),
  ),
});

const output = kit.section({
  path: kit.optional(
    'Folder that is written, as a whole, or its URI. `{date}`, `{yyyy}`, `{mm}` and `{dd}` are taken from the run date.',
    kit.text,
    { fallback: 'none; `domain` and `entity` name an asset then, whose load of the run date is written' },
  ),
  ...asset,
  model: kit.optional('Which of the joined rows come out.', kit.choice([...MODEL_NAMES, ...PROFILE_NAMES]), {
    fallback: '`periodic_snapshot`',
  }),
  formats: kit.optional(
    'Formats to write.',
    v.union(
      [kit.choice(['parquet', 'csv']), v.array(kit.choice(['parquet', 'csv']))],
      'must be a list of parquet and csv',
    ),
    { fallback: '`[parquet]`' },
  ),
  parquet_compression: compression,
  join_type: kit.optional(
    'Which rows are joined. `outer` keeps the rows of both sides; `semi` and `anti` are left rows with and without a match.',
    kit.choice(JOIN_TYPES),
    { fallback: '`inner`' },
  ),
  join_key_pairs: kit.optional(
    'Key columns: a name for both sides, or {left, right}.',
    v.array(keyPair, 'must be a list of texts or {left, right}'),
  ),
  join_key_mapping: kit.optional(
    'Another spelling of `join_key_pairs`.',
    v.array(keyPair, 'must be a list of texts or {left, right}'),
  ),
  join_keys: kit.optional(
    'Key columns of the same names on both sides, or `auto`: the primary keys that both manifests declare.',
    kit.textOrList,
    { fallback: '`auto`' },
  ),
  as_of: kit.optional(
    'Joins each left row to the version of the right side that held at its time.',
    kit.section({
      left: kit.required('Time of the left row.', kit.text),
      right_from: kit.optional('Begin of the version.', kit.text, { fallback: '`effective_from`' }),
      right_to: kit.optional('End of the version, exclusive; NULL is open.', kit.text, {
        fallback: '`effective_to`',
      }),
    }),
  ),
  join_strategy: kit.optional(
    '`broadcast` holds the right side in memory; `partitioned` holds one chunk of the left; `hash` splits both sides by key through `spill_dir`.',
    kit.choice(JOIN_STRATEGIES),
    { fallback: '`auto`: broadcast where the right side fits in memory, else hash' },
  ),
  chunk_size: kit.optional('Left rows a chunk; 0 is all at once.', kit.integer, {
    fallback: 'by `performance_profile`',
  }),
  performance_profile: kit.optional(
    '`single` is one chunk, `chunked` a quarter of the left rows a chunk, from 1,000 to 50,000.',
    kit.choice(JOIN_PROFILES),
    { fallback: '`auto`: large chunks, where the inputs are large' },
  ),
  select_columns: kit.optional(
    'Columns to write, in order: `left.x`, `right.x` or `x`, each also as {source, alias} or {name: alias}.',
    v.array(selected, 'must be a list of columns'),
    { fallback: 'all: `_right` is appended to a right column whose name the left side has too' },
  ),
  projection: kit.optional(
    'Another spelling of `select_columns`.',
    v.array(selected, 'must be a list of columns'),
  ),
  column_order: kit.optional('Columns that come first; the others keep their order.', kit.textList, {
    fallback: '`[]`',
  }),
  quality_guards: kit.optional('Without these, nothing is written.', guards),
  checkpoint_dir: kit.optional(
    'Folder or URI of `progress.json`, while the join runs; in an object store its chunks are there too.',
    kit.text,
    {
      fallback: 'a private folder of the output’s base',
    },
  ),
  spill_dir: kit.optional('Local folder for chunks, and for what the engine spills.', kit.text, {
    fallback: '`checkpoint_dir`',
  }),
  primary_keys: kit.optional('Columns of the output that identify a record.', kit.textOrList, {
    fallback: 'those of the left input’s manifest',
  }),
  order_column: kit.optional('Column of the output that tells the newer of two rows.', kit.text, {
    fallback: 'that of the left input’s manifest',
  }),
  partition_columns: kit.optional('Columns whose values name folders, outermost first.', kit.textOrList, {
    fallback: '`[]`',
  }),
  keep_partition_columns: kit.optional('Keep these columns in the files too.', kit.flag, {
    fallback: '`false`',
  }),
  allow_empty: kit.optional('Lets zero rows replace a folder that holds rows.', kit.flag, {
    fallback: '`false`',
  }),
});

export const joinSection = kit.section({
  name: kit.optional('Name of the join, for messages and metadata.', kit.text, {
    fallback: 'the output’s name',
  }),
  left: kit.required('The side whose rows lead.', side),
  right: kit.required('The side that is looked up.', side),
  output: kit.required('What is written.', output),
});

export const joinSchema = kit.section({
  config_version: version,
  environment,
  platform: kit.optional(
    'Storage of both sides, where their paths are not on the local disk.',
    kit.section(platformEntries),
  ),
  silver_join: kit.required('Two Silver tables joined into one.', joinSection),
});

export type JoinConfig = v.InferOutput<typeof joinSchema>;
export type SideConfig = JoinConfig['silver_join']['left'];
export type OutputConfig = JoinConfig['silver_join']['output'];
