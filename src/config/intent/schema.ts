import * as v from 'valibot';
import { apiSchema } from '../api/schema.ts';
import { commandSchema } from '../command/schema.ts';
import { customSchema } from '../custom/schema.ts';
import { databaseOptions } from '../database/schema.ts';
import {
  derivedPaths,
  environment,
  fileOptions,
  leftOut,
  outputDefaults,
  PARTITION_STRATEGIES,
  patternId,
  runOptions,
  sourceType,
  version,
} from '../file/schema.ts';
import { pathStructure } from '../path-structure.ts';
import { deleteMode, silverOptions } from '../silver/schema.ts';
import { DELTA_MODES } from '../spec.ts';
import { azureConnectionSchema, s3ConnectionSchema, storageMetadataSchema } from '../storage/schema.ts';
import * as kit from '../yaml/schema-kit.ts';

const UNUSED = 'nothing reads it; remove the key';
const backend = kit.choice(['local', 's3', 'azure']);
const byBucket = { fallback: '`s3` where a bucket is named, else `local`' } as const;

const bucket = kit.optional('Bucket or container, or its name in the environment file.', kit.text, {
  fallback: 's3: `source_data`, `bronze_data`, `silver_data`',
});

const storagePlace = (prefix: string) =>
  kit.section({
    backend: kit.optional('Storage.', backend, byBucket),
    bucket,
    prefix: kit.optional(prefix, kit.text),
  });

const options = kit.section({
  ...runOptions,
  format: kit.optional('Same as `file.format`.', fileOptions.format.wrapped, {
    fallback: 'from the extension',
  }),
  file: kit.optional(
    'How the files are read.',
    kit.section({
      ...fileOptions,
      path: kit.optional('Belongs in `bronze.path_pattern`.', v.unknown(), { moved: 'bronze.path_pattern' }),
    }),
  ),
  partitioning_strategy: kit.optional(
    'What lies below the `dt=` folder; `none` has no `dt=` folder either.',
    kit.choice(PARTITION_STRATEGIES),
    { fallback: '`date`' },
  ),
  output_formats: kit.optional(
    'Formats to write.',
    v.array(kit.choice(['parquet', 'csv']), 'must be a list of parquet and csv'),
    { fallback: '`[parquet]`' },
  ),
  output_defaults: kit.optional('Limits on output formats.', outputDefaults),
  db: kit.optional('Database settings, for source_type `db`.', kit.section(databaseOptions)),
  api: kit.optional('The API to read, for source_type `api`.', apiSchema),
  custom_extractor: kit.optional('The module to call, for source_type `custom`.', customSchema),
  command: kit.optional('The program to run, for source_type `command`.', commandSchema),
  delta_mode: kit.optional('Same as `reference_mode.delta_mode`.', kit.choice(DELTA_MODES)),
  delta_tag: kit.optional('Label of sample data.', v.unknown(), { obsolete: UNUSED }),
  match_dir: kit.optional('Label of sample data.', v.unknown(), { obsolete: UNUSED }),
  owner_team: kit.optional('Same as `bronze.owner_team`.', kit.text),
  owner_contact: kit.optional('Same as `bronze.owner_contact`.', kit.text),
  limit_rows: kit.optional('Belongs in `bronze.options.file.limit_rows`.', v.unknown(), {
    moved: 'bronze.options.file.limit_rows',
  }),
});

const bronze = kit.section({
  enabled: kit.optional('Whether Bronze is landed.', kit.flag, { fallback: '`true`' }),
  source_type: kit.optional('Kind of source.', sourceType, { fallback: '`file`' }),
  path_pattern: kit.optional(
    'A file, a glob or a folder; required for files. `{date}`, `{yyyy}`, `{mm}` and `{dd}` are taken from the run date.',
    kit.text,
  ),
  connection_name: kit.optional(
    'Environment variable of the connection (db) or of the base URL (api).',
    kit.text,
  ),
  source_query: kit.optional('Query (db) or endpoint (api).', kit.text),
  partition_column: kit.optional('For db: same as `options.db.partition_on`.', kit.text),
  owner_team: kit.optional('Team that owns the source.', kit.text),
  owner_contact: kit.optional('Where to reach the team.', kit.text),
  source_storage: kit.optional('Storage of the source files.', backend, byBucket),
  output_storage: kit.optional('Storage of Bronze.', backend, byBucket),
  output_bucket: bucket,
  output_prefix: kit.optional(
    'Folder of Bronze: below `options.local_output_dir` where there is one, else the base folder itself.',
    kit.text,
  ),
  options: kit.optional('How the source is read and landed.', options),
});

const silver = kit.section({
  entity_kind: kit.required(
    'What a row is: something that happened (`event`) or the state of something (`state`). `derived_state` is as `state`; `derived_event` tells the changes between the states of a key.',
    kit.choice(['event', 'state', 'derived_state', 'derived_event']),
  ),
  history_mode: kit.optional(
    'For states: keep all versions (`scd2`) or the newest (`scd1`, `latest_only`).',
    kit.choice(['scd2', 'scd1', 'latest_only']),
    { fallback: '`scd2` for states' },
  ),
  input_mode: kit.optional(
    'For events: keep all (`append_log`) or the last of each key and day (`replace_daily`).',
    kit.choice(['append_log', 'replace_daily']),
    { fallback: '`append_log` for events' },
  ),
  delete_mode: deleteMode,
  schema_mode: kit.optional(
    'Whether columns that are not declared are an error (`strict`) or left out (`allow_new_columns`).',
    kit.choice(['strict', 'allow_new_columns']),
    { fallback: '`strict`' },
  ),
  natural_keys: kit.required('Columns that identify a record.', kit.textList),
  event_ts_column: kit.optional('When an event happened; required for events.', kit.text),
  change_ts_column: kit.optional('When a state changed; required for states.', kit.text),
  attributes: kit.optional('Columns to keep beside keys and timestamp.', kit.textList, { fallback: '`[]`' }),
  partition_by: kit.optional(
    'Columns that name folders below the load partition. A name ending `_dt` that is no column is the date of the event or change; `[]` means no folders.',
    kit.textOrList,
    { fallback: 'events: `<event_ts_column>_dt`; states: `effective_from_dt`' },
  ),
  record_time_column: kit.optional('Column whose date names `record_time_partition`.', kit.text),
  record_time_partition: kit.optional('The only partition folder, instead of `partition_by`.', kit.text),
  load_batch_id_column: kit.optional('Name of the column with the load batch.', kit.text, {
    fallback: '`load_batch_id`',
  }),
  output_dir: kit.optional('Silver base folder.', kit.text, { fallback: '`./silver`' }),
  input_storage: kit.optional('Storage of Bronze.', backend, {
    obsolete: 'Silver reads Bronze where bronze.output_storage puts it',
  }),
  output_storage: kit.optional('Storage of Silver.', backend, byBucket),
  output_bucket: bucket,
  output_prefix: kit.optional(
    'Folder of Silver: below `output_dir` where there is one, else the base folder itself.',
    kit.text,
  ),
  ...silverOptions,
});

export const intentSchema = kit.section({
  config_version: version,
  environment,
  domain: kit.optional('The `domain=` folder of Silver.', kit.text, { fallback: '`system`' }),
  system: kit.required('Name of the source system: the `system=` folder.', kit.text),
  entity: kit.required('Name of the entity: the `table=` and `entity=` folders.', kit.text),
  name: kit.optional('Name of the dataset.', kit.text, { fallback: '`<system>.<entity>`' }),
  bronze: kit.required('What is read and how it is landed.', bronze),
  silver: kit.required('What the table means.', silver),
  storage: kit.optional(
    'Storage of each layer.',
    kit.section({
      source: kit.optional(
        'Source files.',
        storagePlace('Put before a relative `bronze.path_pattern`, unless that begins with `./`.'),
      ),
      bronze: kit.optional('Bronze.', storagePlace('Same as `bronze.output_prefix`.')),
      silver: kit.optional('Silver.', storagePlace('Same as `silver.output_prefix`.')),
      s3_connection: kit.optional('How S3 is reached; wins over the environment file.', s3ConnectionSchema),
      azure_connection: kit.optional(
        'How Azure Blob Storage is reached; wins over the environment file.',
        azureConnectionSchema,
      ),
      storage_metadata: kit.optional(
        'Classification of the storage, for `--storage-scope onprem`.',
        storageMetadataSchema,
      ),
    }),
  ),
  pattern_id: patternId,
  path_structure: pathStructure,
  derived_paths: derivedPaths,
  ...leftOut,
});

export type IntentConfig = v.InferOutput<typeof intentSchema>;
