import { link, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { LoadPattern } from '../config/spec.ts';
import { FoundryError, throwIfStopped } from '../core/errors.ts';
import { errnoOf, storageFailure } from '../storage/failure.ts';
import { hashOfFile } from '../storage/hash-file.ts';
import { type SpoolBudget, spoolBudget } from '../storage/spool-budget.ts';
import type { StoredObject } from '../storage/storage.ts';
import { inParallel } from '../storage/turns.ts';
import { keyOf } from './attempt.ts';
import { checkChecksums } from './checksums.ts';
import { sha256Hex } from './generation.ts';
import type { Lake } from './lake.ts';
import { type LooseFile, looseFiles } from './loose.ts';
import { MANIFEST_NAME, type Manifest, type ManifestFile } from './manifest.ts';
import { parseManifest } from './manifest-schema.ts';

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

export interface CommittedPartition {
  readonly path: string;
  /** Absent for a lake that foundry did not write (decision 27). */
  readonly manifest: Manifest | undefined;
  /** Role `data` only, in row order; Parquet only where both formats are there. */
  readonly files: readonly CommittedFile[];
  /** Sentences for the log and the report. */
  readonly warnings: readonly string[];
  /** Rejects as `openCommitted` where files of a local disk, opened with `verify: 'later'`, are not what was committed. */
  readonly verified: Promise<void>;
}

export interface OpenCommittedOptions {
  /**
   * Hash every listed file; without it, existence and size are checked. `later`: those of a local disk are hashed while
   * the caller works with them already, who lets nothing out before `verified` is fulfilled.
   */
  readonly verify: boolean | 'later';
  /** Verify, and refuse a partition without `_checksums.json`. */
  readonly requireChecksum?: boolean;
  /** Only these data files are opened and checked; the others are passed over, as one artifact of several. */
  readonly only?: (file: { readonly path: string; readonly artifact?: string | undefined }) => boolean;
  /** Refuse a partition that was landed with another load pattern. */
  readonly expectedPattern?: LoadPattern;
  /**
   * Private folder for copies of remote files, and for second names of local ones, which a replacement of the
   * partition cannot take away while they are read. Needed where the storage is no local disk.
   */
  readonly spool?: string;
  /** What may be fetched into that folder; absent: what its disk has free. */
  readonly budget?: SpoolBudget;
  readonly signal: AbortSignal;
}

/**
 * The manifest of a partition; undefined where there is none, or the original's.
 * @throws STATE001 when it is broken; STG001.
 */
export async function readManifest(lake: Lake, path: string): Promise<Manifest | undefined> {
  return (await readManifestObject(lake, path))?.manifest;
}

interface ManifestObject {
  readonly manifest: Manifest | undefined;
  readonly bytes: Uint8Array;
}

async function readManifestObject({ storage }: Lake, path: string): Promise<ManifestObject | undefined> {
  const key = keyOf(path, MANIFEST_NAME);
  const found = await storage.readBytes(key);
  if (found === undefined) return undefined;
  return { manifest: parseManifest(found.bytes, `${storage.description}/${key}`), bytes: found.bytes };
}

/**
 * The files of a partition as it was committed; undefined where nothing was landed. A file that is gone means that
 * a commit replaced the partition meanwhile: the manifest is read once more.
 *
 * @throws SUM001 a file is not what its manifest says, or `expectedPattern`/`requireChecksum` is not met;
 * LOCK001 the partition keeps changing or lost a file; STATE001; STG001; INT001.
 */
export async function openCommitted(
  lake: Lake,
  path: string,
  options: OpenCommittedOptions,
): Promise<CommittedPartition | undefined> {
  const verify = options.requireChecksum === true ? true : options.verify;
  const asked = { ...options, verify };
  const first = await readManifestObject(lake, path);
  if (first?.manifest === undefined) return openLoose(lake, path, { ...asked, verify: verify !== false });
  const opened = await openListed(lake, path, first.manifest, first.bytes, asked);
  if ('files' in opened) return opened;

  const second = await readManifestObject(lake, path);
  const where = `${lake.storage.description}/${path}`;
  if (second?.manifest !== undefined && second.manifest.commit_id !== first.manifest.commit_id) {
    const again = await openListed(lake, path, second.manifest, second.bytes, asked);
    if ('files' in again) return again;
  } else if (verify && second?.manifest !== undefined) {
    throw new FoundryError('SUM001', `${where} lacks ${opened.gone}, which its manifest lists`);
  }
  throw new FoundryError('LOCK001', `${where} lacks ${opened.gone}, which its manifest lists`, {
    hint: 'Run again: another run may be replacing the partition. If none is, land it again from its source.',
  });
}

type Gone = { readonly gone: string };

async function openListed(
  lake: Lake,
  path: string,
  manifest: Manifest,
  manifestBytes: Uint8Array,
  options: OpenCommittedOptions,
): Promise<CommittedPartition | Gone> {
  const where = `${lake.storage.description}/${path}`;
  refuseOtherPattern(where, manifest.load_pattern, options);
  const { only = () => true } = options;
  const data = preferParquet(manifest.files.filter((file) => file.role === 'data' && only(file)));
  const wanted = options.verify !== false && options.only === undefined ? manifest.files : data;
  const problems: string[] = [];
  const opened = new Map<string, CommittedFile>();
  await takeSpool(lake, where, wanted, options);
  const fetched = await inParallel(wanted, parallelFetches(lake), (file) => {
    throwIfStopped(options.signal);
    return fetchFile(lake, path, file, options);
  });
  for (const [index, file] of fetched.entries()) {
    if ('gone' in file) return file;
    if ('problem' in file) problems.push(file.problem);
    else opened.set(wanted[index]?.path ?? file.path, file);
  }
  if (problems.length > 0) throw mismatch(where, problems);
  const warnings =
    options.verify !== false
      ? await checkChecksums(lake, path, manifest, manifestBytes, options.requireChecksum === true)
      : [];
  if (warnings === 'replaced') return { gone: MANIFEST_NAME };
  const files = data.flatMap((file) => opened.get(file.path) ?? []);
  const verified = options.verify === 'later' ? hashLater(where, [...opened.values()], lake, options) : DONE;
  return { path, manifest, files, warnings, verified };
}

const DONE: Promise<void> = Promise.resolve();

/** What was fetched from elsewhere is hashed already. */
function hashLater(
  where: string,
  files: readonly CommittedFile[],
  { storage }: Lake,
  { signal }: OpenCommittedOptions,
): Promise<void> {
  if (storage.local === undefined) return DONE;
  const hashed = (async () => {
    const problems: string[] = [];
    for (const { localPath, path, sha256 } of files) {
      throwIfStopped(signal);
      if (sha256 !== undefined && (await hashUnlessGone(localPath)) !== sha256)
        problems.push(otherBytes(path));
    }
    if (problems.length > 0) throw mismatch(where, problems);
  })();
  // Whoever awaits it is told; until then it is no unhandled failure.
  hashed.catch(() => undefined);
  return hashed;
}

function otherBytes(path: string): string {
  return `${path} has other bytes than when it was committed`;
}

async function openLoose(
  lake: Lake,
  path: string,
  options: OpenCommittedOptions,
): Promise<CommittedPartition | undefined> {
  const where = `${lake.storage.description}/${path}`;
  const loose = await looseFiles(lake, path);
  if (loose === undefined) {
    if (options.requireChecksum !== true) return undefined;
    throw new FoundryError('SUM001', `${where} has no _checksums.json, and checksums are required`);
  }
  if (options.requireChecksum === true && !loose.hasChecksums) {
    throw new FoundryError('SUM001', `${where} has no _checksums.json, and checksums are required`);
  }
  refuseOtherPattern(where, loose.loadPattern, options);
  const problems: string[] = [];
  const files: CommittedFile[] = [];
  const data = preferParquet(loose.files.filter(options.only ?? (() => true)));
  await takeSpool(lake, where, data, options);
  for (const file of data) {
    throwIfStopped(options.signal);
    const fetched = await fetchFile(lake, path, file, options);
    if ('gone' in fetched) problems.push(`${fetched.gone} is missing`);
    else if ('problem' in fetched) problems.push(fetched.problem);
    else files.push(fetched);
  }
  if (problems.length > 0) throw mismatch(where, problems);
  return { path, manifest: undefined, files, warnings: [loose.warning(where)], verified: DONE };
}

/** Before the first byte is fetched; a local lake is read where it lies. */
async function takeSpool(
  { storage }: Lake,
  where: string,
  files: readonly (ManifestFile | LooseFile)[],
  { spool, budget = spoolBudget() }: OpenCommittedOptions,
): Promise<void> {
  if (storage.local !== undefined || spool === undefined) return;
  const bytes = files.reduce((sum, file) => sum + (file.size_bytes ?? 0), 0);
  await budget.take(bytes, where, spool);
}

function parallelFetches({ storage }: Lake): number {
  return storage.local === undefined ? 4 : 1;
}

/** Size and, where asked or copied, hash are checked on the very bytes that will be read. */
async function fetchFile(
  { storage }: Lake,
  path: string,
  file: ManifestFile | LooseFile,
  options: OpenCommittedOptions,
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

async function hashUnlessGone(file: string): Promise<string | undefined> {
  try {
    return (await hashOfFile(file)).sha256;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw storageFailure('read', file, error);
  }
}

function preferParquet<T extends { readonly format: ManifestFile['format'] }>(
  files: readonly T[],
): readonly T[] {
  const parquet = files.filter((file) => file.format === 'parquet');
  return parquet.length > 0 ? parquet : files;
}

function refuseOtherPattern(where: string, pattern: string | undefined, options: OpenCommittedOptions): void {
  if (options.expectedPattern === undefined || pattern === undefined || pattern === options.expectedPattern)
    return;
  throw new FoundryError(
    'SUM001',
    `${where} was landed with load pattern ${pattern}, but ${options.expectedPattern} is expected`,
  );
}

function mismatch(where: string, problems: readonly string[]): FoundryError {
  const shown = problems.slice(0, 10).join('; ');
  const more = problems.length > 10 ? `; and ${problems.length - 10} more` : '';
  return new FoundryError('SUM001', `${where} is not what was committed: ${shown}${more}`);
}
