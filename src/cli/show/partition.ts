import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FoundryError } from '../../core/errors.ts';
import type { EngineLimits } from '../../engine/engine.ts';
import { findInLake } from '../../lake/find.ts';
import type { Manifest, ManifestColumn } from '../../lake/manifest.ts';
import { type ListedPartition, listPartitions } from '../../lake/partitions.ts';
import { readManifest } from '../../lake/reader.ts';
import { readRunHistory } from '../../lake/run-history.ts';
import type { RunRecord } from '../../lake/run-record.ts';
import { temporaryFolder } from '../../storage/durable.ts';
import { locationOf, type Storage } from '../../storage/storage.ts';
import { type FileGroup, fileGroups, type ListedFile } from './files.ts';

export interface ShowOptions {
  readonly rows: number;
  readonly history: number;
  readonly limits: EngineLimits;
  readonly signal: AbortSignal;
  readonly now: Date;
  readonly warn: (message: string) => void;
}

export interface ShownRows {
  readonly artifact?: string;
  readonly columns: readonly ManifestColumn[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** One partition as `foundry show` tells it. */
export interface ShownPartition {
  readonly location: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly first_rows: readonly ShownRows[];
  readonly files: readonly FileGroup[];
  readonly history: readonly RunRecord[];
}

/** What lies below a folder that is no partition itself. */
export interface ShownFolder {
  readonly location: string;
  readonly partitions: readonly {
    readonly location: string;
    readonly layer?: string;
    readonly rows?: number;
    readonly status?: string;
    readonly committed_at?: string;
  }[];
}

/**
 * A partition's manifest, first rows and history; of another folder, the partitions below it.
 * @throws EXT001 where nothing lies there; STATE001 on a broken manifest; STG001.
 */
export async function showPath(path: string, options: ShowOptions): Promise<ShownPartition | ShownFolder> {
  const { storage, path: key } = await findInLake(path.replace(/\/_metadata\.json$/, ''));
  const manifest = key === '' ? undefined : await readManifest({ storage }, key);
  if (manifest === undefined) return showFolder(storage, key);
  const { files: _files, ...metadata } = manifest;
  const groups = fileGroups(manifest, (file) => locationOf(storage, `${key}/${file}`));
  return {
    location: locationOf(storage, key),
    metadata,
    files: groups,
    first_rows: options.rows === 0 ? [] : await firstRows(storage, key, manifest, groups, options),
    history: await readRunHistory(storage, {
      limit: options.history,
      wanted: (record) => record.output?.partition === key || isFailedTry(record, manifest),
      now: options.now,
      warn: options.warn,
    }),
  };
}

/** A run that was to write this partition and did not: it has no output to be known by. */
function isFailedTry({ output, dataset, layer, run_date }: RunRecord, manifest: Manifest): boolean {
  if (output !== undefined) return false;
  return dataset === manifest.config_name && layer === manifest.layer && run_date === manifest.run_date;
}

async function showFolder(storage: Storage, key: string): Promise<ShownFolder> {
  const location = locationOf(storage, key);
  const partitions = await listPartitions({ storage }, key);
  if (partitions.length === 0) {
    throw new FoundryError('EXT001', `nothing has landed at ${location}`, {
      hint: 'Name a partition folder, or a folder above one: the reports print them as `at`.',
    });
  }
  return { location, partitions: partitions.map((partition) => listedPartition(storage, partition)) };
}

function listedPartition(
  storage: Storage,
  { path, manifest }: ListedPartition,
): ShownFolder['partitions'][number] {
  const location = locationOf(storage, path);
  if (manifest === undefined) return { location };
  const { layer, record_count: rows, status, timestamp } = manifest;
  return { location, layer, rows, status, committed_at: timestamp };
}

async function firstRows(
  storage: Storage,
  key: string,
  manifest: Manifest,
  groups: readonly FileGroup[],
  options: ShowOptions,
): Promise<readonly ShownRows[]> {
  // What lies on this disk is read where it lies: a machine may have no place for temporary files.
  const scratch = storage.local === undefined ? await temporaryFolder('foundry-show-') : undefined;
  try {
    const shown: ShownRows[] = [];
    for (const group of groups) {
      const file = group.files[0];
      if (file === undefined) continue;
      const local = await localFile(storage, key, file, join(scratch ?? '', String(shown.length)));
      const { columns, rows } =
        file.format === 'parquet' ? await parquetRows(local, options) : await csvRows(local, options);
      shown.push({
        ...(group.artifact !== undefined && { artifact: group.artifact }),
        columns: columns.map((name) => ({ name, type: typeOf(name, group.artifact, manifest) })),
        rows,
      });
    }
    return shown;
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

async function localFile(storage: Storage, key: string, file: ListedFile, scratch: string): Promise<string> {
  if (storage.local !== undefined) return storage.local.path(`${key}/${file.path}`);
  await storage.download(`${key}/${file.path}`, scratch);
  return scratch;
}

interface Preview {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

async function parquetRows(file: string, { rows: limit }: ShowOptions): Promise<Preview> {
  const { previewParquet } = await import('../../formats/parquet/parquet-footer.ts');
  const { columns, rows } = await previewParquet(file, limit);
  return { columns: columns.map(({ name }) => name), rows };
}

async function csvRows(file: string, { rows: limit, limits, signal }: ShowOptions): Promise<Preview> {
  const { openEngine } = await import('../../engine/duckdb.ts');
  const { csvTextSql } = await import('../../engine/csv-parts.ts');
  const engine = await openEngine(limits, signal);
  try {
    const found = await engine.query(`${csvTextSql(file)} LIMIT ${limit}`);
    const columns = Object.keys(found[0] ?? {});
    const text = (value: unknown): string | null => (value === null ? null : String(value));
    return { columns, rows: found.map((row) => columns.map((name) => text(row[name]))) };
  } finally {
    await engine.close();
  }
}

/** As the manifest states it: a file of CSV has none of its own. */
function typeOf(name: string, artifact: string | undefined, manifest: Manifest): string {
  const { artifacts } = manifest;
  const own =
    artifact === undefined || typeof artifacts !== 'object' || artifacts === null
      ? undefined
      : Object.entries(artifacts).find(([key]) => key === artifact)?.[1];
  const schema: unknown = own?.schema ?? manifest.schema;
  const columns = Array.isArray(schema) ? schema : [];
  return columns.find((column) => column.name === name)?.type ?? 'string';
}
