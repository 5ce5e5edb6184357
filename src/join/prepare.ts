import type { JoinSpec } from '../config/join/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import { type OutputColumn, outputColumns } from './columns.ts';
import { type DescribedInput, describeInput } from './describe.ts';
import { checkGuardColumns } from './guards.ts';
import { joinKeys, joinTimes } from './keys.ts';
import { chooseModel, type ModelChoice } from './model.ts';
import type { JoinRunOptions } from './options.ts';
import { type Located, locate } from './place.ts';
import { type JoinShape, usedColumns } from './sql.ts';
import { estimatedBytes, planStrategy, type StrategyPlan } from './strategy.ts';

export interface DescribedJoin {
  readonly left: DescribedInput;
  readonly right: DescribedInput;
  readonly output: Located;
}

/**
 * Reads manifests and listings of both inputs.
 * @throws EXT001 for an input that is not there; CFG001, where the output is one of the inputs too; STATE001; STG001.
 */
export async function describeJoin(
  spec: JoinSpec,
  options: Pick<JoinRunOptions, 'runDate' | 'signal' | 'log'>,
): Promise<DescribedJoin> {
  const output = await locate(spec.output.place, options, true);
  const left = await describeInput('left', spec.left, false, options);
  const right = await describeInput('right', spec.right, spec.output.asOf !== undefined, options);
  for (const { location, side } of [left, right]) {
    if (location !== output.location) continue;
    throw new FoundryError('CFG001', `the output would replace the ${side} input, ${location}`, {
      hint: 'Name another output.path.',
    });
  }
  return { left, right, output };
}

interface Side {
  readonly schema: TableSchema;
  readonly rows: number;
  /** Of its files. */
  readonly bytes?: number | undefined;
  readonly primaryKeys: readonly string[];
  readonly orderColumn: string | undefined;
}

export interface PreparedJoin {
  readonly shape: JoinShape;
  readonly strategy: StrategyPlan;
  readonly model: ModelChoice;
  /** Columns by which folders are named. */
  readonly partitions: readonly OutputColumn[];
}

/**
 * What columns and sizes make of a config; pure.
 * @throws SCHEMA001 for columns that do not fit the config; CFG001 for keys or names that cannot be.
 */
export function prepareJoin(spec: JoinSpec, left: Side, right: Side, memoryBytes: number): PreparedJoin {
  const { output } = spec;
  const keys = joinKeys(output.keys, left, right);
  const times = output.asOf === undefined ? undefined : joinTimes(output.asOf, left.schema, right.schema);
  const { joinType } = output;
  const columns = outputColumns(
    { left: left.schema, right: right.schema, keys, joinType },
    output.projection,
    output.columnOrder,
  );
  const names = columns.map(({ name }) => name);
  checkGuardColumns(output.guards, names);
  const partitions = output.partitionColumns.map((name) => {
    const column = columns.find((candidate) => candidate.name === name);
    if (column !== undefined) return column;
    throw new FoundryError('SCHEMA001', `partition_columns names "${name}", which the output does not have`, {
      details: { column: name },
      hint: `The output has: ${names.join(', ')}.`,
    });
  });
  if (partitions.length === columns.length && !output.keepPartitionColumns) {
    throw new FoundryError(
      'CFG001',
      'every column of the output is a partition column, which leaves none for its files',
      {
        hint: 'Partition by fewer columns, or set keep_partition_columns: true.',
      },
    );
  }
  const shape: JoinShape = { joinType, keys, ...(times !== undefined && { times }), columns };
  const bytesOf = (side: 'left' | 'right', { bytes = 0, rows, schema }: Side): number =>
    Math.max(bytes, estimatedBytes(schema, usedColumns(shape, side), rows));
  const [leftBytes, rightBytes] = [bytesOf('left', left), bytesOf('right', right)];
  const sizes = {
    leftRows: left.rows,
    rightRows: right.rows,
    rightBytes,
    rowBytes: leftBytes / Math.max(1, left.rows) + rightBytes / Math.max(1, right.rows),
  };
  return {
    shape,
    strategy: planStrategy(output, sizes, memoryBytes),
    model: chooseModel(output, columns, left),
    partitions,
  };
}
