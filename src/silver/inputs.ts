import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { parseType, STRING, type TableSchema } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import { EngineError } from '../engine/errors.ts';
import { copyToPart } from '../engine/parts.ts';
import { identifier, literal, sqlType } from '../engine/sql.ts';
import { type CommittedPartition, openCommitted } from '../lake/reader.ts';
import { locationOf } from '../storage/storage.ts';
import type { Snapshot, Snapshots } from './missing.ts';
import type { SilverRunOptions } from './options.ts';
import type { InputPart } from './relation.ts';
import type { BronzeScope } from './scope.ts';

/** Above the engine's 2 MB, within what its default buffer holds. */
const LONGEST_CSV_RECORD = 16 * 1024 * 1024;

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
  for (const partition of scope.read) {
    const { path } = partition;
    const firstPart = parts.length;
    const opened = await openCommitted(scope.lake, path, {
      verify: options.requireChecksum,
      requireChecksum: options.requireChecksum,
      spool,
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
          : await convertCsv(
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

export function schemaOf(manifest: CommittedPartition['manifest']): TableSchema | undefined {
  if (manifest === undefined || manifest.schema.length === 0) return undefined;
  return { fields: manifest.schema.map(({ name, type }) => ({ name, type: parseType(type) ?? STRING })) };
}

/** CSV as foundry writes it, with the manifest's types; other CSV as text. */
async function convertCsv(
  engine: Engine,
  csv: string,
  schema: TableSchema | undefined,
  target: string,
  name: string,
): Promise<string> {
  try {
    await copyToPart(engine, csvSelect(csv, schema), target, { format: 'parquet', compression: 'snappy' });
    return target;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new FoundryError('DATA001', `${name} cannot be read as CSV: ${firstLine(error.message)}`, {
      details: { file: name },
      hint: 'Let Bronze write Parquet, which Silver reads whatever the length of a value.',
      cause: error,
    });
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}

function csvSelect(csv: string, schema: TableSchema | undefined): string {
  if (schema === undefined) {
    // Whatever the engine may guess is given, so that a `#` or a line of `---` is no more than text.
    return (
      `SELECT * FROM read_csv(${literal(csv)}, header=true, all_varchar=true, delim=',', quote='"', escape='"', ` +
      `nullstr='', allow_quoted_nulls=false, skip=0, comment='', null_padding=false, ignore_errors=false, ` +
      `max_line_size=${LONGEST_CSV_RECORD})`
    );
  }
  const columns = schema.fields.map(({ name }) => `${literal(name)}: 'VARCHAR'`).join(', ');
  const typed = schema.fields.map(({ name, type }) => {
    const column = identifier(name);
    const value = type.kind === 'binary' ? `from_base64(${column})` : `${column}::${sqlType(type)}`;
    return `${value} AS ${column}`;
  });
  return (
    `SELECT ${typed.join(', ')} FROM read_csv(${literal(csv)}, auto_detect=false, header=true, delim=',', quote='"', ` +
    `escape='"', nullstr='', allow_quoted_nulls=false, columns={${columns}}, max_line_size=${LONGEST_CSV_RECORD})`
  );
}
