import * as v from 'valibot';
import { apiSchema } from '../api/schema.ts';
import { commandSchema } from '../command/schema.ts';
import { customSchema } from '../custom/schema.ts';
import { databaseOptions } from '../database/schema.ts';
import {
  apiRunOptions,
  derivedPaths,
  environment,
  fileOptions,
  outputDefaults,
  PARTITION_STRATEGIES,
  patternId,
  runOptions,
  sourceType,
  version,
} from '../file/schema.ts';
import { pathStructure } from '../path-structure.ts';
import { MODEL_NAMES, PROFILE_NAMES } from '../silver/models.ts';
import { deleteMode, silverOptions } from '../silver/schema.ts';
import { azureConnectionSchema, s3ConnectionSchema, storageMetadataSchema } from '../storage/schema.ts';
import * as kit from '../yaml/schema-kit.ts';

const platform = kit.section({
  bronze: kit.required(
    'Where and how Bronze is stored.',
    kit.section({
      storage_backend: kit.optional('Storage of the lake.', kit.choice(['local', 's3', 'azure']), {
        fallback: '`s3` or `azure` where a bucket or container is named, else `local`',
      }),
      local_path: kit.optional('Bronze base folder, when `run.local_output_dir` is absent.', kit.text, {
        fallback: '`./output`',
      }),
      output_dir: kit.optional('Older name of `local_path`.', kit.text),
      local_root: kit.optional('Belongs in `platform.bronze.local_path`.', v.unknown(), {
        moved: 'platform.bronze.local_path',
      }),
      s3_bucket: kit.optional('Bucket, for s3.', kit.text),
      s3_prefix: kit.optional('Prefix in the bucket, for s3.', kit.text),
      azure_container: kit.optional('Container, for azure.', kit.text),
      azure_prefix: kit.optional('Prefix in the container, for azure.', kit.text),
      output_defaults: kit.optional('Limits that the platform sets on output formats.', outputDefaults),
      partitioning: kit.optional(
        'How a table is split into partitions.',
        kit.section({
          use_dt_partition: kit.optional('Whether there is a `dt=` folder.', kit.flag, {
            fallback: '`true`',
          }),
          partition_strategy: kit.optional(
            'What lies below the `dt=` folder.',
            kit.choice(PARTITION_STRATEGIES),
            {
              fallback: '`date`',
            },
          ),
        }),
      ),
      options: kit.optional(
        'Further settings.',
        kit.section({
          pattern_folder: kit.optional('Value of the `pattern=` folder.', kit.text, {
            fallback: '`source.run.pattern_folder`',
          }),
        }),
      ),
      storage_metadata: kit.optional(
        'Classification of the storage, for `--storage-scope onprem`.',
        storageMetadataSchema,
      ),
    }),
  ),
  s3_connection: kit.optional('How S3 is reached.', s3ConnectionSchema),
  azure_connection: kit.optional('How Azure Blob Storage is reached.', azureConnectionSchema),
});

const run = kit.section({
  ...runOptions,
  ...apiRunOptions,
  write_parquet: kit.optional('Write Parquet.', kit.flag, { fallback: '`true`' }),
  write_csv: kit.optional('Write CSV.', kit.flag, { fallback: '`false`' }),
  limit_rows: kit.optional('Belongs in `source.file.limit_rows`.', v.unknown(), {
    moved: 'source.file.limit_rows',
  }),
  error_handling: kit.optional('Belongs in `silver.error_handling`.', v.unknown(), {
    moved: 'silver.error_handling',
  }),
});

const source = kit.section({
  type: kit.optional('Kind of source.', sourceType, {
    fallback: 'the one of `file`, `api`, `db`, `custom_extractor`, `command` that is present',
  }),
  system: kit.required('Name of the source system: the `system=` folder.', kit.text),
  table: kit.required('Name of the table: the `table=` folder.', kit.text),
  config_name: kit.optional('Name of the dataset.', kit.text, { fallback: '`<system>.<table>`' }),
  pattern_id: patternId,
  file: kit.optional(
    'The files to read, for type `file`.',
    kit.section({
      path: kit.required(
        'A file, a glob or a folder. `{date}`, `{yyyy}`, `{mm}` and `{dd}` are taken from the run date.',
        kit.text,
      ),
      ...fileOptions,
    }),
  ),
  api: kit.optional('The API to read, for type `api`.', apiSchema),
  db: kit.optional('The query to run, for type `db`.', kit.section(databaseOptions)),
  custom_extractor: kit.optional('The module to call, for type `custom`.', customSchema),
  command: kit.optional('The program to run, for type `command`.', commandSchema),
  run: kit.optional('How the source is landed.', run),
});

const silver = kit.section({
  output_dir: kit.optional('Silver base folder.', kit.text, { fallback: '`./silver_output`' }),
  domain: kit.optional('The `domain=` folder.', kit.text, { fallback: '`source.system`' }),
  entity: kit.optional('The `entity=` folder.', kit.text, { fallback: '`source.table`' }),
  primary_keys: kit.optional(
    'Columns that identify a record. Required by every model except `periodic_snapshot` and `incremental_merge`, and by the load pattern `current_history`.',
    kit.textList,
    { fallback: '`[]`' },
  ),
  order_column: kit.optional('Column that tells the newer of two rows; required where keys are.', kit.text),
  model: kit.optional('Which rows come out.', kit.choice(MODEL_NAMES), {
    fallback: 'full: `periodic_snapshot`, cdc: `incremental_merge`, current_history: `scd_type_2`',
  }),
  model_profile: kit.optional(
    'A model by purpose; wins over `model`. `analytics`: scd_type_2, `operational`: scd_type_1, `merge_ready`: full_merge_dedupe, `cdc_delta`: incremental_merge, `snapshot`: periodic_snapshot.',
    kit.choice(PROFILE_NAMES),
  ),
  delete_mode: deleteMode,
  ...silverOptions,
});

export const classicSchema = kit.section({
  config_version: version,
  environment,
  path_structure: pathStructure,
  platform: kit.required('Owned by the platform team: storage and defaults.', platform),
  source: kit.required('Owned by the source team: what is read.', source),
  silver: kit.optional('How Bronze is promoted.', silver, { fallback: 'no Silver' }),
  derived_paths: derivedPaths,
});

export type ClassicConfig = v.InferOutput<typeof classicSchema>;
