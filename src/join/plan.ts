import type { JoinSpec } from '../config/join/spec.ts';
import { type Field, formatType } from '../core/schema.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Manifest } from '../lake/manifest.ts';
import { openCommitted, readManifest } from '../lake/reader.ts';
import { relationOf } from '../promotion/relation.ts';
import type { DescribedInput } from './describe.ts';
import { isWritten } from './finish.ts';
import type { JoinRunOptions } from './options.ts';
import { describeJoin, prepareJoin } from './prepare.ts';
import { joinSql } from './sql.ts';

interface PlannedInput {
  readonly location: string;
  readonly artifact: string | null;
  readonly commit_id: string | null;
  readonly model: string | null;
  readonly rows: number | null;
  readonly size_bytes: number | null;
  readonly columns: readonly string[];
}

/** What a join would read and write: data only. `--dry-run` prints exactly this. */
export interface JoinPlan {
  readonly dataset: string;
  readonly layer: 'join';
  readonly left: PlannedInput;
  readonly right: PlannedInput;
  readonly target: { readonly location: string; readonly files: string };
  readonly replaces?: Pick<Manifest, 'commit_id' | 'record_count' | 'timestamp'>;
  readonly join_type: string;
  readonly join_key_pairs: readonly string[];
  readonly strategy: {
    readonly requested: string;
    readonly used: string;
    readonly why: string;
    readonly chunk_size: number;
    readonly chunk_count: number;
  };
  readonly model: {
    readonly requested: string;
    readonly used: string;
    readonly keys: readonly string[];
    readonly order_column: string | null;
  };
  readonly warnings: readonly string[];
  readonly columns: readonly {
    readonly column: string;
    readonly type: string;
    readonly source: string;
    readonly from: readonly string[];
  }[];
  readonly partition_columns: readonly string[];
  readonly guards: readonly string[];
  readonly sql: string;
}

/**
 * Reads config, manifests and listings only; where foundry did not write an input, the heads of its files.
 * @throws what `runJoin` would refuse before it reads a row.
 */
export async function planJoin(spec: JoinSpec, options: JoinRunOptions): Promise<JoinPlan> {
  const { left, output, right } = await describeJoin(spec, options);
  const sides = { left: await known(left, options), right: await known(right, options) };
  const { model, partitions, shape, strategy } = prepareJoin(
    spec,
    sides.left,
    sides.right,
    options.limits.memoryBytes,
  );
  const current = await readManifest(output.lake, output.path);
  const { formats } = spec.output;
  const extension = [...(formats.parquet ? ['parquet'] : []), ...(formats.csv ? ['csv'] : [])].join('|');
  const folders = partitions.map(({ name }) => `${name}=<value>/`).join('');
  const build = strategy.used === 'partitioned' ? 'left' : 'right';
  return {
    dataset: spec.name,
    layer: 'join',
    left: plannedInput(left, sides.left),
    right: plannedInput(right, sides.right),
    target: {
      location: output.location,
      files: `${folders}${isWritten(spec, model) ? '<artifact>[-part-NNNN]' : '<artifact>'}-<hash8>.${extension}`,
    },
    ...(current !== undefined && {
      replaces: {
        commit_id: current.commit_id,
        record_count: current.record_count,
        timestamp: current.timestamp,
      },
    }),
    join_type: shape.joinType,
    join_key_pairs: shape.keys.map(
      (key) => `left.${key.left.name} = right.${key.right.name} (${formatType(key.type)})`,
    ),
    strategy: {
      requested: spec.output.strategy,
      used: strategy.used,
      why: strategy.why,
      chunk_size: strategy.chunkSize,
      chunk_count: strategy.chunkCount,
    },
    model: {
      requested: model.requested,
      used: model.used,
      keys: model.primaryKeys,
      order_column: model.orderColumn ?? null,
    },
    warnings: model.warning === undefined ? [] : [model.warning],
    columns: shape.columns.map(({ left: ofLeft, name, right: ofRight, source, type }) => ({
      column: name,
      type: formatType(type),
      source,
      from: [
        ...(ofLeft === undefined ? [] : [`left.${ofLeft}`]),
        ...(ofRight === undefined ? [] : [`right.${ofRight}`]),
      ],
    })),
    partition_columns: partitions.map(({ name, type }) => `${name} ${formatType(type)}`),
    guards: guardNames(spec),
    sql: joinSql(shape, 'SELECT * FROM left_rows', 'SELECT * FROM right_rows', build),
  };
}

interface Known {
  readonly schema: { readonly fields: readonly Field[] };
  readonly rows: number;
  readonly bytes: number | undefined;
  readonly primaryKeys: readonly string[];
  readonly orderColumn: string | undefined;
}

/** Columns and rows by the manifest, else by the files themselves. */
async function known(input: DescribedInput, options: JoinRunOptions): Promise<Known> {
  const { bytes, orderColumn, primaryKeys, rows, schema } = input;
  if (schema !== undefined && rows !== undefined) return { schema, rows, bytes, primaryKeys, orderColumn };
  const opened = await openCommitted(input.lake, input.path, {
    verify: false,
    only: input.isOfArtifact,
    signal: options.signal,
  });
  const parts = (opened?.files ?? [])
    .filter((file) => file.format === 'parquet')
    .map((file) => ({ localPath: file.localPath, name: file.path }));
  const engine = await openEngine(options.limits, options.signal);
  try {
    const relation = await relationOf(engine, parts, { fields: [] });
    const [counted] =
      parts.length === 0 ? [] : await engine.query(`SELECT count(*) AS n FROM (${relation.sql})`);
    return { schema: relation.schema, rows: Number(counted?.n ?? 0), bytes, primaryKeys, orderColumn };
  } finally {
    await engine.close();
  }
}

function plannedInput(input: DescribedInput, { rows, schema }: Known): PlannedInput {
  const { artifact, bytes, location, manifest } = input;
  return {
    location,
    artifact: artifact ?? null,
    commit_id: manifest?.commit_id ?? null,
    model: typeof manifest?.silver_model === 'string' ? manifest.silver_model : null,
    rows,
    size_bytes: bytes ?? null,
    columns: schema.fields.map(({ name, type }) => `${name} ${formatType(type)}`),
  };
}

function guardNames({ output: { guards } }: JoinSpec): readonly string[] {
  return [
    ...(guards.rowCount === undefined ? [] : ['row_count_range']),
    ...guards.nullRatio.map(({ column }) => `null_ratio:${column}`),
    ...guards.uniqueKeys.map(({ columns }) => `unique_keys:${columns.join('+')}`),
    ...(guards.matchRate === undefined ? [] : ['match_rate']),
    ...(guards.fanOut === undefined ? [] : ['fan_out']),
  ];
}
