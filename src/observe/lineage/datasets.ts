import { dirname } from 'node:path';
import type { DatasetSpec } from '../../config/spec.ts';
import { maskSecrets } from '../../core/secret.ts';
import { bronzeTablePath } from '../../lake/layout.ts';
import type { Manifest } from '../../lake/manifest.ts';
import { openStorage } from '../../storage/open.ts';
import { locationOf } from '../../storage/storage.ts';

/** How OpenLineage names a table: where it is, and what it is called there (its naming conventions). */
export interface DatasetName {
  readonly namespace: string;
  readonly name: string;
}

/** `file` and a path, `s3://bucket` and a key, `abfss://container@account…` and a path. */
export function datasetAt(location: string): DatasetName {
  const uri = /^([a-z][a-z0-9+.-]*:\/\/[^/]+)\/?(.*)$/i.exec(location);
  return uri === null
    ? { namespace: 'file', name: location }
    : { namespace: uri[1] ?? '', name: uri[2] === '' ? '/' : (uri[2] ?? '/') };
}

/** The Bronze table of a dataset, whatever the partition: what Silver reads is what Bronze wrote. */
export function bronzeTable({ bronze, environment }: DatasetSpec): DatasetName {
  const path = bronzeTablePath({
    ...(bronze.pathKeys !== undefined && { keys: bronze.pathKeys }),
    ...(environment !== undefined && { environment }),
    system: bronze.system,
    table: bronze.table,
  });
  return datasetAt(locationOf(openStorage(bronze.base), path));
}

/** One table for each artifact of an entity or a join, whatever the load partition. */
export function silverTable(location: string, stem: string): DatasetName {
  return datasetAt(`${location.slice(0, location.lastIndexOf('/'))}/${stem}`);
}

/** What Bronze read: the one file, the folder of several, or what the source calls itself. */
export function sourceDataset(spec: DatasetSpec, manifest: Manifest | undefined): DatasetName {
  const source = recordOf(manifest?.source);
  const inputs = Array.isArray(source.inputs)
    ? source.inputs.map((input) => String(recordOf(input).path))
    : [];
  const [first] = inputs;
  if (first !== undefined) return datasetAt(inputs.length === 1 ? first : commonFolder(inputs));
  const { source: configured } = spec.bronze;
  if (configured.type === 'file') return datasetAt(configured.path);
  const description = typeof source.description === 'string' ? source.description : spec.bronze.table;
  return { namespace: `${configured.type}://${spec.bronze.system}`, name: maskSecrets(description) };
}

function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0] ?? '');
  while (!paths.every((path) => path.startsWith(`${folder}/`)) && dirname(folder) !== folder)
    folder = dirname(folder);
  return folder;
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
