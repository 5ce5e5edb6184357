import type { Manifest, ManifestFile } from '../../lake/manifest.ts';

export const READERS = ['duckdb', 'spark', 'pandas'] as const;
export type ReaderName = (typeof READERS)[number];

export interface ListedFile extends ManifestFile {
  /** As others open it: an absolute path, or a URI. */
  readonly location: string;
}

/** The data files of one artifact; of Bronze there is one list, without a name. */
export interface FileGroup {
  readonly artifact: string | undefined;
  readonly format: ManifestFile['format'];
  readonly files: readonly ListedFile[];
}

/** The committed data files, Parquet where there is Parquet, by artifact in the manifest's order. */
export function fileGroups(manifest: Manifest, locationOf: (path: string) => string): readonly FileGroup[] {
  const data = manifest.files.filter((file) => file.role === 'data');
  const groups = Map.groupBy(data, (file) => file.artifact);
  return [...groups].map(([artifact, files]) => {
    const parquet = files.filter((file) => file.format === 'parquet');
    const chosen = parquet.length > 0 ? parquet : files;
    return {
      artifact,
      format: chosen[0]?.format ?? 'parquet',
      files: chosen.map((file) => ({ ...file, location: locationOf(file.path) })),
    };
  });
}

/** A statement that reads exactly these files, to be pasted. */
export function readerSnippet(group: FileGroup, reader: ReaderName): string {
  const comment =
    group.artifact === undefined ? [] : [`${reader === 'duckdb' ? '--' : '#'} ${group.artifact}`];
  return [...comment, SNIPPETS[reader](group)].join('\n');
}

const SNIPPETS: Readonly<Record<ReaderName, (group: FileGroup) => string>> = {
  duckdb({ files, format }) {
    const list = files.map((file) => `  '${file.location.replaceAll("'", "''")}'`).join(',\n');
    const options = [
      ...(format === 'csv' ? ['header = true', 'all_varchar = true'] : []),
      // Left to itself, the reader takes every `key=value` above the files for a column, before the files' own.
      `hive_partitioning = ${hasFolders(files)}`,
    ];
    const read = format === 'csv' ? 'read_csv' : 'read_parquet';
    return `SELECT * FROM ${read}([\n${list}\n]${options.map((option) => `, ${option}`).join('')});`;
  },
  spark({ files, format }) {
    const list = files.map((file) => `    ${JSON.stringify(file.location)},`).join('\n');
    const base = hasFolders(files) ? `.option("basePath", ${JSON.stringify(folderOf(files))})` : '';
    const header = format === 'csv' ? '.option("header", True)' : '';
    return format === 'csv'
      ? `spark.read${base}${header}.csv([\n${list}\n])`
      : `spark.read${base}.parquet(\n${list}\n)`;
  },
  pandas({ files, format }) {
    const read = format === 'csv' ? 'pandas.read_csv' : 'pandas.read_parquet';
    const list = files.map((file) => {
      const values = Object.entries(file.partition_values ?? {});
      const assigned = values.map(
        ([name, value]) => `${JSON.stringify(name)}: ${value === null ? 'None' : JSON.stringify(value)}`,
      );
      return `    ${read}(${JSON.stringify(file.location)})${assigned.length === 0 ? '' : `.assign(**{${assigned.join(', ')}})`},`;
    });
    return `pandas.concat([\n${list.join('\n')}\n], ignore_index=True)`;
  },
};

/** Whether the folders below the partition carry columns. */
function hasFolders(files: readonly ListedFile[]): boolean {
  return files.some((file) => Object.keys(file.partition_values ?? {}).length > 0);
}

/** Of the partition itself. */
function folderOf(files: readonly ListedFile[]): string {
  const file = files[0];
  return file === undefined ? '' : file.location.slice(0, -file.path.length - 1);
}
