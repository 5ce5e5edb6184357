import { link, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errnoOf, storageFailure } from '../storage/failure.ts';
import { hashOfFile } from '../storage/hash-file.ts';
import { type SpoolBudget, spoolBudget } from '../storage/spool-budget.ts';
import type { StoredObject } from '../storage/storage.ts';
import { keyOf } from './attempt.ts';
import { sha256Hex } from './generation.ts';
import type { Lake } from './lake.ts';
import type { LooseFile } from './loose.ts';
import type { ManifestFile } from './manifest.ts';

/** One file of a partition on the local disk; what only a manifest knows is absent in lakes without one. */
export interface CommittedFile {
  /** Absolute. */
  readonly localPath: string;
  /** Relative to the partition. */
  readonly path: string;
  readonly format: ManifestFile['format'];
  readonly sizeBytes: number;
  readonly rows?: number;
  readonly sha256?: string;
  readonly artifact?: string;
  readonly partitionValues?: Readonly<Record<string, string | null>>;
}

/** How files of a partition are brought to where they can be read; as of `openCommitted`. */
export interface FetchOptions {
  readonly verify: boolean | 'later';
  readonly spool?: string;
  readonly budget?: SpoolBudget;
}

/** The file that is not there any more. */
export type Gone = { readonly gone: string };

export function otherBytes(path: string): string {
  return `${path} has other bytes than when it was committed`;
}

/** Before the first byte is fetched; a local lake is read where it lies. */
export async function takeSpool(
  { storage }: Lake,
  where: string,
  files: readonly (ManifestFile | LooseFile)[],
  { spool, budget = spoolBudget() }: FetchOptions,
): Promise<void> {
  if (storage.local !== undefined || spool === undefined) return;
  const bytes = files.reduce((sum, file) => sum + (file.size_bytes ?? 0), 0);
  await budget.take(bytes, where, spool);
}

export function parallelFetches({ storage }: Lake): number {
  return storage.local === undefined ? 4 : 1;
}

/** Size and, where asked or copied, hash are checked on the very bytes that will be read. */
export async function fetchFile(
  { storage }: Lake,
  path: string,
  file: ManifestFile | LooseFile,
  options: FetchOptions,
): Promise<CommittedFile | Gone | { readonly problem: string }> {
  const key = keyOf(path, file.path);
  const stored = await storage.stat(key);
  if (stored === undefined) return { gone: file.path };
  const expected = file.size_bytes ?? stored.sizeBytes;
  if (stored.sizeBytes !== expected) {
    return { problem: `${file.path} has ${stored.sizeBytes} bytes instead of ${expected}` };
  }
  const localPath = await localCopy(storage, stored, options.spool);
  if (localPath === undefined) return { gone: file.path };
  if (file.sha256 !== undefined && (options.verify === true || storage.local === undefined)) {
    const actual = await hashUnlessGone(localPath);
    if (actual === undefined) return { gone: file.path };
    if (actual !== file.sha256) return { problem: otherBytes(file.path) };
  }
  return {
    localPath,
    path: file.path,
    format: file.format,
    sizeBytes: stored.sizeBytes,
    ...(file.rows === undefined ? {} : { rows: file.rows }),
    ...(file.sha256 === undefined ? {} : { sha256: file.sha256 }),
    ...(file.artifact === undefined ? {} : { artifact: file.artifact }),
    ...(file.partition_values === undefined ? {} : { partitionValues: file.partition_values }),
  };
}

/** Where the bytes can be read; undefined when they are gone. */
async function localCopy(
  storage: Lake['storage'],
  stored: StoredObject,
  spool: string | undefined,
): Promise<string | undefined> {
  const copy = spool && join(spool, `${sha256Hex(stored.key).slice(0, 16)}-${basename(stored.key)}.tmp`);
  if (storage.local === undefined) {
    if (copy === undefined) throw new Error(`no spool was given to read ${storage.description}`);
    try {
      await storage.download(stored.key, copy);
    } catch (error) {
      // Replaced since it was looked at?
      if ((await storage.stat(stored.key)) === undefined) return undefined;
      throw error;
    }
    return copy;
  }
  const live = storage.local.path(stored.key);
  if (copy === undefined) return live;
  await rm(copy, { force: true }).catch((error: unknown) => {
    throw storageFailure('remove', copy, error);
  });
  try {
    await link(live, copy);
    return copy;
  } catch (error) {
    // Another disk, or one without hard links: the file is read where it lies.
    return errnoOf(error) === 'ENOENT' ? undefined : live;
  }
}

/** SHA-256 of a file; undefined where it is gone. @throws STG001 */
export async function hashUnlessGone(file: string): Promise<string | undefined> {
  try {
    return (await hashOfFile(file)).sha256;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw storageFailure('read', file, error);
  }
}
