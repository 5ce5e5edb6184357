import { type Buckets, bucketFolder, bucketSql } from './buckets.ts';
import type { JoinProgress } from './checkpoint.ts';
import { type BuildSide, type JoinShape, joinSql, rightOnlySql } from './sql.ts';
import { isUnique } from './stats.ts';
import type { JoinWork } from './work.ts';

/** One query of the join. */
export interface Task {
  readonly index: number;
  readonly sql: string;
  readonly rightRows: number;
  readonly rightOnly?: boolean;
  /** Not needed any more once the chunk is written down. */
  readonly folders: readonly string[];
}

/** The queries that give all rows, in order. */
export function tasksOf(work: JoinWork, { buckets, stats }: JoinProgress): readonly Task[] {
  const isOneMatch = isUnique(work.shape, work.right) || (stats?.fan_out ?? 2) <= 1;
  return buckets === undefined ? rangeTasks(work, isOneMatch) : bucketTasks(work, buckets, isOneMatch);
}

function rangeTasks({ left, right, shape, strategy }: JoinWork, isOneMatch: boolean): readonly Task[] {
  const { chunkCount, chunkSize, used } = strategy;
  const build: BuildSide = used === 'partitioned' ? 'left' : 'right';
  const whole = { rightRows: right.rows, folders: [] };
  if (chunkCount === 1)
    return [{ ...whole, index: 0, sql: joinSql(shape, left.sql(), right.sql(), build, isOneMatch) }];
  const alone = shape.joinType === 'right' || shape.joinType === 'outer';
  // Which right rows stay alone is known only when all left rows have been looked at.
  const matching: JoinShape = { ...shape, joinType: withoutRightOnly(shape.joinType) };
  const tasks: Task[] = Array.from({ length: chunkCount }, (_, index) => {
    const range = { from: index * chunkSize, to: Math.min(left.rows, (index + 1) * chunkSize) };
    return { ...whole, index, sql: joinSql(matching, left.sql(range), right.sql(), build, isOneMatch) };
  });
  if (!alone) return tasks;
  const sql = rightOnlySql(shape, left.sql(), right.sql(), left.schema);
  return [...tasks, { ...whole, index: chunkCount, sql, rightOnly: true }];
}

function withoutRightOnly(joinType: JoinShape['joinType']): JoinShape['joinType'] {
  if (joinType === 'outer') return 'left';
  return joinType === 'right' ? 'inner' : joinType;
}

/** Each bucket on its own; the smaller side is held. */
function bucketTasks(work: JoinWork, { left, right }: Buckets, isOneMatch: boolean): readonly Task[] {
  return left.map((leftRows, index) => {
    const rightRows = right[index] ?? 0;
    const folders = (['left', 'right'] as const).map((side) => bucketFolder(work.place, side, index));
    const sql = joinSql(
      work.shape,
      bucketSql(work, 'left', index, leftRows),
      bucketSql(work, 'right', index, rightRows),
      leftRows < rightRows ? 'left' : 'right',
      isOneMatch,
    );
    return { index, sql, rightRows, folders };
  });
}
