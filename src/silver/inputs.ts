import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import { csvToParquet } from '../engine/csv-parts.ts';
import type { Engine } from '../engine/engine.ts';
import { type CommittedPartition, openCommitted } from '../lake/reader.ts';
import { schemaOf } from '../lake/schema-of.ts';
import type { Snapshot, Snapshots } from '../promotion/missing.ts';
import type { InputPart } from '../promotion/relation.ts';
import { spoolBudget } from '../storage/spool-budget.ts';
import { locationOf } from '../storage/storage.ts';
import type { SilverRunOptions } from './options.ts';
import type { BronzeScope } from './scope.ts';

export interface OpenedBronze {
  readonly partitions: readonly CommittedPartition[];
  /** Local Parquet, in input order; CSV parts were converted. */
  readonly parts: readonly InputPart[];
  /** Present where more than one partition is in scope. */
  readonly snapshots?: Snapshots;
  /** What the newest manifest says the columns are: all there is to know where no row landed. */
  readonly schema: TableSchema;
  readonly warnings: readonly string[];
}

/**
 * The files of every partition in scope, checked against their manifests.
 * @param spool private folder for copies and conversions.
 * @throws EXT001 for a partition without files; SUM001, LOCK001, STATE001 as `openCommitted`.
 */
export async function openBronze(
  engine: Engine,
  scope: BronzeScope,
  spool: string,
  options: SilverRunOptions & { readonly requireChecksum: boolean },
): Promise<OpenedBronze> {
  const partitions: CommittedPartition[] = [];
  const parts: InputPart[] = [];
  const snapshots: Snapshot[] = [];
  const budget = spoolBudget(options.spoolLimitBytes);
  for (const partition of scope.read) {
    const { path } = partition;
    const firstPart = parts.length;
    const opened = await openCommitted(scope.lake, path, {
      verify: options.requireChecksum,
      requireChecksum: options.requireChecksum,
      spool,
      budget,
      signal: options.signal,
      ...(options.pattern === undefined || options.pattern === 'auto'
        ? {}
        : { expectedPattern: options.pattern }),
    });
    if (opened === undefined) {
      throw new FoundryError('EXT001', `${locationOf(scope.lake.storage, path)} holds no data files`);
    }
    partitions.push(opened);
    for (const file of opened.files) {
      const name = `${path}/${file.path}`;
      const localPath =
        file.format === 'parquet'
          ? file.localPath
          : await csvToParquet(
              engine,
              file.localPath,
              schemaOf(opened.manifest),
              join(spool, `csv-${parts.length}.tmp`),
              name,
            );
      parts.push({ localPath, name });
    }
    const date = partition.address?.dt;
    if (date !== undefined && scope.snapshots.includes(partition)) {
      snapshots.push({ date, firstPart, parts: parts.length - firstPart });
    }
  }
  const newest = partitions.findLast((partition) => (partition.manifest?.schema.length ?? 0) > 0);
  return {
    partitions,
    parts,
    ...(snapshots.length > 0 && { snapshots: { list: snapshots, partCount: parts.length } }),
    schema: schemaOf(newest?.manifest) ?? { fields: [] },
    warnings: partitions.flatMap((partition) => partition.warnings),
  };
}
