import type { JoinReach, JoinSideSpec } from '../config/join/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { type Field, parseType, STRING, type TableSchema } from '../core/schema.ts';
import { looseFiles } from '../lake/loose.ts';
import type { Manifest, ManifestColumn, ManifestFile } from '../lake/manifest.ts';
import { readManifest } from '../lake/reader.ts';
import { schemaOfColumns } from '../lake/schema-of.ts';
import { type Available, artifactOfName, chooseArtifact, isCurrent } from './artifact.ts';
import type { JoinRunOptions } from './options.ts';
import { type Located, loadDates, locate } from './place.ts';

export type SideName = 'left' | 'right';

/** What manifests and listings say of one input; no row is read. */
export interface DescribedInput extends Located {
  readonly side: SideName;
  /** The config's label of the side. */
  readonly label: string | undefined;
  readonly reach: JoinReach;
  readonly manifest: Manifest | undefined;
  readonly artifact: string | undefined;
  /** Whether a file of the partition belongs to the chosen artifact. */
  readonly isOfArtifact: (file: { readonly path: string; readonly artifact?: string | undefined }) => boolean;
  /** Columns that paths carry, and files do not. */
  readonly folderColumns: readonly Field[];
  /** All columns by the manifest, those of the paths last; undefined without one. */
  readonly schema: TableSchema | undefined;
  readonly rows: number | undefined;
  readonly bytes: number | undefined;
  readonly primaryKeys: readonly string[];
  readonly orderColumn: string | undefined;
  /** Columns of which each row has other values, never NULL, since the model of the artifact makes it so. */
  readonly uniqueBy: readonly string[];
}

/** Models whose newest rows are one per key. */
const ONE_PER_KEY: ReadonlySet<unknown> = new Set([
  'full_merge_dedupe',
  'scd_type_1',
  'scd_type_2',
  'state_scd1',
  'state_scd2',
]);

/**
 * @param wantsHistory see `chooseArtifact`
 * @throws EXT001 where nothing lies; CFG001 for an artifact that is not there; STATE001; STG001.
 */
export async function describeInput(
  side: SideName,
  spec: JoinSideSpec,
  wantsHistory: boolean,
  options: Pick<JoinRunOptions, 'runDate' | 'signal' | 'log'>,
): Promise<DescribedInput> {
  const located = await locate(spec.place, options);
  const manifest = await readManifest(located.lake, located.path);
  const files = manifest === undefined ? await looseData(located) : dataFiles(manifest);
  const available = availableOf(manifest, files);
  const artifact = chooseArtifact(
    spec.artifact,
    available,
    wantsHistory,
    `the ${side} input ${spec.name === undefined ? '' : `${spec.name}, `}${located.location}`,
  );
  const isOfArtifact: DescribedInput['isOfArtifact'] = (file) =>
    artifact === undefined || (file.artifact ?? artifactOfName(file.path)?.artifact) === artifact;
  const chosen = onlyParquet(files.filter(isOfArtifact));
  const folderColumns = manifest === undefined ? [] : folderColumnsOf(manifest);
  const primaryKeys = textList(manifest?.primary_keys);
  const isOnePerKey =
    manifest?.layer === 'silver' && ONE_PER_KEY.has(manifest.silver_model) && isCurrent(artifact);
  return {
    ...located,
    side,
    label: spec.name,
    reach: spec.place,
    manifest,
    artifact,
    isOfArtifact,
    folderColumns,
    schema: manifest && { fields: [...fileFields(manifest, artifact), ...folderColumns] },
    rows: manifest && chosen.reduce((sum, { rows = 0 }) => sum + rows, 0),
    bytes: chosen.every(({ size_bytes: size }) => size !== undefined)
      ? chosen.reduce((sum, { size_bytes: size = 0 }) => sum + size, 0)
      : undefined,
    primaryKeys,
    uniqueBy: isOnePerKey ? primaryKeys : [],
    orderColumn: typeof manifest?.order_column === 'string' ? manifest.order_column : undefined,
  };
}

interface DataFile extends Partial<Pick<ManifestFile, 'rows' | 'size_bytes' | 'sha256'>> {
  readonly path: string;
  readonly format: ManifestFile['format'];
  readonly artifact?: string | undefined;
}

function dataFiles(manifest: Manifest): readonly DataFile[] {
  return manifest.files.filter(({ role }) => role === 'data');
}

async function looseData(located: Located): Promise<readonly DataFile[]> {
  const loose = await looseFiles(located.lake, located.path);
  if (loose !== undefined) return loose.files;
  throw new FoundryError('EXT001', `${located.location} holds no table`, { hint: await nearby(located) });
}

/** Where a folder of several loads is named, the newest is what is meant more often than not. */
async function nearby({ lake, path }: Located): Promise<string> {
  for (const name of ['load_date', 'dt']) {
    const newest = (await loadDates(lake, path, name)).at(-1);
    if (newest !== undefined) return `It holds loads: name one of them, such as ${path}/${name}=${newest}.`;
  }
  return 'Name the folder of a load partition, the one that holds _metadata.json.';
}

function onlyParquet(files: readonly DataFile[]): readonly DataFile[] {
  const parquet = files.filter(({ format }) => format === 'parquet');
  return parquet.length > 0 ? parquet : files;
}

function availableOf(manifest: Manifest | undefined, files: readonly DataFile[]): readonly Available[] {
  const found = new Map<string, Available>();
  for (const file of files) {
    const named = manifest === undefined ? artifactOfName(file.path) : undefined;
    const artifact = file.artifact ?? named?.artifact;
    if (artifact !== undefined) found.set(artifact, { artifact, stem: stemOf(manifest, artifact) });
  }
  return [...found.values()];
}

function stemOf(manifest: Manifest | undefined, artifact: string): string {
  const name = artifactEntry(manifest, artifact)?.name;
  return typeof name === 'string' ? name : artifact;
}

function artifactEntry(
  manifest: Manifest | undefined,
  artifact: string | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const all = manifest?.artifacts;
  const entry = isRecord(all) && artifact !== undefined ? all[artifact] : undefined;
  return isRecord(entry) ? entry : undefined;
}

/** Of an artifact, where its columns are told; else of the partition. */
function fileFields(manifest: Manifest, artifact: string | undefined): readonly Field[] {
  const own = artifactEntry(manifest, artifact)?.schema;
  return schemaOfColumns(isColumns(own) ? own : manifest.schema).fields;
}

function folderColumnsOf(manifest: Manifest): readonly Field[] {
  const columns = manifest.partition_columns;
  if (!isColumns(columns) || manifest.keep_partition_columns === true) return [];
  return columns.map(({ name, type }) => ({ name, type: parseType(type) ?? STRING }));
}

function isColumns(value: unknown): value is readonly ManifestColumn[] {
  return (
    Array.isArray(value) &&
    value.every((item) => isRecord(item) && typeof item.name === 'string' && typeof item.type === 'string')
  );
}

function textList(value: unknown): readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : [];
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
