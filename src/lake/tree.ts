import { PRIVATE_FOLDER } from '../storage/keys.ts';
import type { StoredObject } from '../storage/storage.ts';
import type { Lake } from './lake.ts';
import { compareText } from './layout.ts';
import { dataFormat } from './loose.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME } from './manifest.ts';

/** A folder with a manifest, and everything below it that is in no such folder of its own. */
export interface PartitionFolder {
  readonly path: string;
  /** Names relative to the folder, manifest and checksums left out. */
  readonly objects: ReadonlyMap<string, StoredObject>;
}

export interface LakeTree {
  readonly partitions: readonly PartitionFolder[];
  /** Folders that hold data and lie in no partition. */
  readonly unmanaged: readonly string[];
  /** Folders with checksums and no manifest: it was lost, or another tool never wrote one. */
  readonly withoutManifest: readonly string[];
}

/** Below one folder, from one listing. @throws STG001 and what else a listing throws. */
export async function lakeTree({ storage }: Lake, prefix: string): Promise<LakeTree> {
  const objects: StoredObject[] = [];
  const partitions = new Map<string, Map<string, StoredObject>>();
  for await (const object of storage.list(prefix)) {
    if (isPrivate(object.key.slice(prefix.length))) continue;
    objects.push(object);
    if (object.key.endsWith(`/${MANIFEST_NAME}`))
      partitions.set(object.key.slice(0, -MANIFEST_NAME.length - 1), new Map());
  }
  const unmanaged = new Set<string>();
  for (const object of objects) {
    const { key } = object;
    const partition = ownerOf(key, partitions);
    const name = partition === undefined ? key : key.slice(partition.length + 1);
    if (partition === undefined) {
      if (dataFormat(key) !== undefined) unmanaged.add(key.slice(0, Math.max(0, key.lastIndexOf('/'))));
    } else if (name !== MANIFEST_NAME && name !== CHECKSUMS_NAME) {
      partitions.get(partition)?.set(name, object);
    }
  }
  return {
    partitions: [...partitions]
      .map(([path, found]) => ({ path, objects: found }))
      .sort((a, b) => compareText(a.path, b.path)),
    unmanaged: [...unmanaged].sort(compareText),
    withoutManifest: objects
      .filter(({ key }) => key.endsWith(`/${CHECKSUMS_NAME}`))
      .map(({ key }) => key.slice(0, -CHECKSUMS_NAME.length - 1))
      .filter((path) => !partitions.has(path))
      .sort(compareText),
  };
}

/** Below foundry's own folders, `.foundry` and `.foundry-staging-…`: half of a commit there is no partition. */
function isPrivate(name: string): boolean {
  return name.split('/').some((segment) => segment.startsWith(PRIVATE_FOLDER));
}

/** The nearest folder above a key that is a partition. */
function ownerOf(key: string, partitions: ReadonlyMap<string, unknown>): string | undefined {
  for (let at = key.lastIndexOf('/'); at > 0; at = key.lastIndexOf('/', at - 1)) {
    const folder = key.slice(0, at);
    if (partitions.has(folder)) return folder;
  }
  return undefined;
}

/** What readers of folders would take for rows, finished or not. */
export function isDataName(name: string): boolean {
  return /\.(?:parquet|csv|tsv|jsonl|ndjson)(?:\.gz|\.zst)?(?:\.tmp)?$|\.tmp$/i.test(name);
}
