import { FoundryError, throwIfStopped } from '../core/errors.ts';
import type { UnfinishedUpload } from '../storage/storage.ts';
import { keyOf, readable } from './attempt.ts';
import { deadJoinWork } from './join-work.ts';
import type { Lake } from './lake.ts';
import { acquireLease } from './lease.ts';
import type { GcOptions, Leftover } from './leftover.ts';
import { MANIFEST_NAME, type Manifest } from './manifest.ts';
import { isDataName, lakeTree, type PartitionFolder } from './tree.ts';

/**
 * Data files in partitions of foundry that their manifests do not list, uploads that were never completed, and what
 * joins that were killed and not run again keep on a local disk. What no
 * manifest of foundry stands above is never touched: it may be another tool's table.
 *
 * Before a file is removed, its dataset's lease is taken and the manifest is read again, so that no run that is under
 * way loses a part.
 * @throws STG001, AUTH001, RETRY001, INT001.
 */
export async function collectGarbage(
  lake: Lake,
  prefix: string,
  options: GcOptions,
): Promise<readonly Leftover[]> {
  const { partitions } = await lakeTree(lake, prefix);
  const found: Leftover[] = [];
  for (const folder of partitions) {
    throwIfStopped(options.signal);
    found.push(...(await ofPartition(lake, folder, options)));
  }
  for await (const upload of lake.storage.uploads?.list(prefix) ?? []) {
    throwIfStopped(options.signal);
    if (isOld(upload.begunAt, options)) found.push(await ofUpload(lake, upload, options));
  }
  found.push(...(await deadJoinWork(lake, prefix, options)));
  return found;
}

async function ofPartition(lake: Lake, folder: PartitionFolder, options: GcOptions): Promise<Leftover[]> {
  const manifest = await manifestOf(lake, folder.path);
  if (manifest === undefined) return [];
  const stale: string[] = [];
  for (const name of unlisted(folder, manifest, options)) {
    if (!(await isInOwnPartition(lake, folder.path, name))) stale.push(name);
  }
  if (stale.length === 0) return [];
  const report = (key: string, status: Leftover['status'], reason?: string): Leftover => {
    const object = folder.objects.get(key);
    return {
      kind: 'file',
      key: `${folder.path}/${key}`,
      size_bytes: object?.sizeBytes ?? null,
      since: (object?.modifiedAt ?? options.now).toISOString(),
      status,
      ...(reason !== undefined && { reason }),
    };
  };
  if (!options.remove) return stale.map((key) => report(key, 'found'));
  const lease = await acquireLease(lake, leaseNameOf(manifest, folder.path), {
    signal: options.signal,
  }).catch((error: unknown) => {
    if (error instanceof FoundryError && error.code === 'LOCK001') return undefined;
    throw error;
  });
  if (lease === undefined) return stale.map((key) => report(key, 'kept', 'a run holds its dataset'));
  try {
    const current = await manifestOf(lake, folder.path);
    const still = new Set(current === undefined ? [] : unlisted(folder, current, options));
    const results: Leftover[] = [];
    for (const key of stale) {
      if (still.has(key)) await lake.storage.remove(keyOf(folder.path, key));
      results.push(
        still.has(key) ? report(key, 'removed') : report(key, 'kept', 'it was committed meanwhile'),
      );
    }
    return results;
  } finally {
    await lease.release();
  }
}

function unlisted(folder: PartitionFolder, manifest: Manifest, options: GcOptions): string[] {
  const listed = new Set(manifest.files.map((file) => file.path));
  return [...folder.objects].flatMap(([name, object]) =>
    !listed.has(name) && isDataName(name) && isOld(object.modifiedAt, options) ? [name] : [],
  );
}

/** Also where a listing that is behind did not show the manifest between: asked for by name, it is there. */
async function isInOwnPartition({ storage }: Lake, path: string, name: string): Promise<boolean> {
  for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
    const manifest = keyOf(path, `${name.slice(0, at)}/${MANIFEST_NAME}`);
    if ((await storage.stat(manifest)) !== undefined) return true;
  }
  return false;
}

async function ofUpload(lake: Lake, upload: UnfinishedUpload, options: GcOptions): Promise<Leftover> {
  if (options.remove) await lake.storage.uploads?.abort(upload);
  return {
    kind: 'upload',
    key: upload.name,
    size_bytes: null,
    since: upload.begunAt.toISOString(),
    status: options.remove ? 'removed' : 'found',
  };
}

function isOld(at: Date, { now, olderThanMs }: GcOptions): boolean {
  return now.getTime() - at.getTime() > olderThanMs;
}

/** Absent, broken or another tool's: then nothing of it is foundry's to remove. */
async function manifestOf({ storage }: Lake, path: string): Promise<Manifest | undefined> {
  const found = await storage.readBytes(keyOf(path, MANIFEST_NAME));
  return found === undefined ? undefined : readable(found.bytes);
}

/** As the runs of its layer name their lease. */
function leaseNameOf(manifest: Manifest, path: string): string {
  const text = (key: string): string | undefined => {
    const value = manifest[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
  const environment = text('environment');
  if (manifest.layer === 'bronze') {
    return [environment, text('system'), text('table')].filter((name) => name !== undefined).join('/');
  }
  const [domain, entity, version] = [text('domain'), text('entity'), text('version')];
  if (domain === undefined || entity === undefined) return `${manifest.layer}/${path}`;
  return ['silver', environment ?? '', domain, entity, `v${version ?? 1}`].join('/');
}
