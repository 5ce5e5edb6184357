import type { LoadPattern } from '../config/spec.ts';
import { FoundryError, throwIfStopped } from '../core/errors.ts';
import type { SpoolBudget } from '../storage/spool-budget.ts';
import { inParallel } from '../storage/turns.ts';
import { keyOf } from './attempt.ts';
import { checkChecksums } from './checksums.ts';
import {
  type CommittedFile,
  fetchFile,
  type Gone,
  hashUnlessGone,
  otherBytes,
  parallelFetches,
  takeSpool,
} from './fetch-file.ts';
import type { Lake } from './lake.ts';
import { looseFiles } from './loose.ts';
import { MANIFEST_NAME, type Manifest, type ManifestFile } from './manifest.ts';
import { parseManifest } from './manifest-schema.ts';

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
