import type { DatasetSpec, OutputFormats } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { type Field, formatType, type TableSchema } from '../core/schema.ts';
import { partitionSegment } from '../lake/hive.ts';
import type { Manifest } from '../lake/manifest.ts';
import { openCommitted, readManifest } from '../lake/reader.ts';
import { schemaOf } from '../lake/schema-of.ts';
import { uselessDeleteMode } from '../promotion/decide.ts';
import { schemaProbe } from '../promotion/probe.ts';
import { planPromotion, type SilverDataset } from '../promotion/promotion.ts';
import { emptyRelation } from '../promotion/relation.ts';
import { withNewNames } from '../promotion/rename.ts';
import { shapeOf } from '../promotion/shape.ts';
import { unite } from '../promotion/widen.ts';
import { storageOf } from '../storage/open.ts';
import { locationOf } from '../storage/storage.ts';
import type { SilverRunOptions } from './options.ts';
import { type BronzeScope, bronzeScope } from './scope.ts';
import { silverTarget } from './target.ts';

/** What a Silver run would read and write: data only. `--dry-run` prints exactly this. */
export interface SilverPlan {
  readonly dataset: string;
  readonly layer: 'silver';
  readonly enabled: boolean;
  readonly bronze: {
    readonly location: string;
    readonly load_pattern: string;
    readonly read: readonly PlannedInput[];
    readonly not_read: readonly string[];
  };
  /** Set when the config is sound but running now would fail, e.g. nothing has landed yet. */
  readonly problem?: string;
  readonly target: { readonly path: string; readonly location: string };
  /** What lies there now and would be replaced. */
  readonly replaces?: Pick<Manifest, 'commit_id' | 'record_count' | 'timestamp'>;
  readonly settings: {
    readonly model: string;
    readonly keys: readonly string[];
    readonly order_column: string | null;
    readonly input_scope: string;
    readonly detect_missing: boolean;
    readonly operation_column: string | null;
    readonly delete_mode: string;
    readonly schema_mode: string | null;
    readonly formats: OutputFormats;
    readonly require_checksum: boolean;
    readonly error_handling: {
      readonly enabled: boolean;
      readonly max_bad_records: number;
      readonly max_bad_percent: number;
    };
    readonly allow_empty: boolean;
  };
  /** Absent until Bronze has landed: its columns are known only then. */
  readonly steps?: PlannedSteps;
}

interface PlannedInput {
  readonly path: string;
  readonly commit_id: string | null;
  readonly rows: number | null;
}

interface PlannedSteps {
  readonly columns: readonly string[];
  readonly dropped_columns: readonly string[];
  readonly partition_columns: readonly string[];
  /** SQL that makes these columns of Bronze's; absent where they go on as they are. */
  readonly shaped?: string;
  /** SQL that gives each row of Bronze its place; absent where rows are taken as they are. */
  readonly decided?: string;
  readonly prepared: string;
  readonly artifacts: readonly {
    readonly artifact: string;
    readonly files: string;
    readonly columns: readonly string[];
    readonly sql: string;
  }[];
}

/**
 * Reads config, manifests and listings only; writes nothing. Text that orders rows is shown as timestamps, since
 * what it holds is known only to a run.
 * @throws what would be wrong with the config or the columns: CFG001, SCHEMA001.
 */
export async function planSilver(spec: DatasetSpec, options: SilverRunOptions): Promise<SilverPlan> {
  if (spec.silver === undefined) {
    throw new FoundryError('CFG001', `${spec.configPath} has no silver section`, {
      hint: 'Add one, or run `foundry bronze` alone.',
    });
  }
  const dataset: SilverDataset = { ...spec, silver: withNewNames(spec.silver) };
  const storage = storageOf(spec.silver.base, spec, options);
  const path = silverTarget(dataset, options.runDate);
  const current = await readManifest({ storage }, path);
  const scope = await bronzeScope(spec, options);
  const schema = await landedSchema(scope, options);
  return {
    dataset: spec.name,
    layer: 'silver',
    enabled: spec.silver.enabled,
    bronze: {
      location: scope.location,
      load_pattern: scope.loadPattern,
      read: scope.read.map((partition) => ({
        path: partition.path,
        commit_id: partition.manifest?.commit_id ?? null,
        rows: partition.manifest?.record_count ?? null,
      })),
      not_read: scope.notRead.map((partition) => partition.path),
    },
    ...(scope.read.length === 0 ? { problem: `no Bronze partition has landed at ${scope.location}` } : {}),
    target: { path, location: locationOf(storage, path) },
    ...(current === undefined
      ? {}
      : {
          replaces: {
            commit_id: current.commit_id,
            record_count: current.record_count,
            timestamp: current.timestamp,
          },
        }),
    settings: settingsOf(dataset),
    ...(schema === undefined ? {} : { steps: await stepsOf(dataset, schema, path, options) }),
  };
}

function settingsOf({ silver }: SilverDataset): SilverPlan['settings'] {
  return {
    model: silver.model,
    keys: silver.keys,
    order_column: silver.orderColumn ?? null,
    input_scope: silver.inputScope,
    detect_missing: silver.detectMissing ?? false,
    operation_column: silver.cdc?.operationColumn ?? null,
    delete_mode: silver.deleteMode,
    schema_mode: silver.schemaMode ?? null,
    formats: silver.formats,
    require_checksum: silver.requireChecksum,
    error_handling: {
      enabled: silver.errorHandling.enabled,
      max_bad_records: silver.errorHandling.maxBadRecords,
      max_bad_percent: silver.errorHandling.maxBadPercent,
    },
    allow_empty: silver.allowEmpty,
  };
}

/** From the manifests; only where foundry wrote none, from the files themselves. */
async function landedSchema(scope: BronzeScope, options: SilverRunOptions): Promise<TableSchema | undefined> {
  const schemas = scope.read.flatMap(({ manifest }) => schemaOf(manifest) ?? []);
  if (schemas.length > 0) return unite(schemas).schema;
  const last = scope.read.at(-1);
  if (last === undefined || last.manifest !== undefined) return undefined;
  const opened = await openCommitted(scope.lake, last.path, { verify: false, signal: options.signal });
  const parts = (opened?.files ?? [])
    .filter((file) => file.format === 'parquet')
    .map((file) => ({ localPath: file.localPath, name: file.path }));
  if (parts.length === 0) return undefined;
  const [{ openEngine }, { relationOf }] = await Promise.all([
    import('../engine/duckdb.ts'),
    import('../promotion/relation.ts'),
  ]);
  const engine = await openEngine(options.limits, options.signal);
  try {
    return (await relationOf(engine, parts, { fields: [] })).schema;
  } finally {
    await engine.close();
  }
}

async function stepsOf(
  dataset: SilverDataset,
  schema: TableSchema,
  path: string,
  options: SilverRunOptions,
): Promise<PlannedSteps> {
  const shape = shapeOf(emptyRelation(schema), dataset.silver);
  const promotion = await planPromotion(
    dataset,
    emptyRelation(shape.schema),
    schemaProbe(dataset.silver),
    options.runDate.date,
    options.log.warn,
  );
  const useless = uselessDeleteMode(dataset.silver, shape.schema.fields, promotion.decision);
  if (useless !== undefined) options.log.warn(useless);
  const { formats } = dataset.silver;
  const extension = [...(formats.parquet ? ['parquet'] : []), ...(formats.csv ? ['csv'] : [])].join('|');
  const folders = promotion.partitions
    .map(({ name }) => `${partitionSegment(name, '').replace(/=.*$/, '')}=<value>/`)
    .join('');
  const shown = (fields: readonly Field[]): string[] =>
    fields.map(({ name, type }) => `${name} ${formatType(type)}`);
  return {
    columns: shown(promotion.kept),
    dropped_columns: promotion.dropped,
    partition_columns: promotion.partitions.map(({ name, type }) => `${name} ${formatType(type)}`),
    ...(dataset.silver.shaping === undefined ? {} : { shaped: shape.relation(false).sql }),
    ...(promotion.decideSql === undefined ? {} : { decided: promotion.decideSql }),
    prepared: promotion.preparedSql,
    artifacts: promotion.artifacts.map((planned) => ({
      artifact: planned.artifact,
      files: `${path}/${folders}${planned.stem}-<hash8>.${extension}`,
      columns: shown(planned.fileSchema.fields),
      sql: planned.sql((artifact) => artifact),
    })),
  };
}
