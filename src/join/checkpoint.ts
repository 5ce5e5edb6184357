import { readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRemote } from '../config/storage/location.ts';
import { FoundryError } from '../core/errors.ts';
import { sha256Hex } from '../lake/generation.ts';
import { joinWorkFolder, PROGRESS_NAME } from '../lake/join-work.ts';
import { makeFolder, removeTree } from '../storage/durable.ts';
import { errnoOf, storageFailure } from '../storage/failure.ts';
import { hashOfFile } from '../storage/hash-file.ts';
import type { Located } from './place.ts';
import type { BuildSide } from './sql.ts';
import type { KeyStats } from './stats.ts';

/** One chunk whose rows lie in a file of the work folder. */
export interface ChunkDone {
  readonly chunk_index: number;
  readonly record_count: number;
  /** Right rows that the chunk looked at. */
  readonly right_rows: number;
  readonly duration_seconds: number;
  readonly sample_keys: readonly string[];
  readonly build_side: BuildSide | null;
  readonly spilled_bytes: number;
  /** Rows of the right side alone, in a chunk of their own. */
  readonly right_only?: boolean;
  readonly file: string;
  readonly size_bytes: number;
  readonly sha256: string;
}

/** What a run must share with the one before it to go on where that stopped. */
export interface Fingerprints {
  readonly inputs: string;
  readonly config: string;
  readonly version: string;
  readonly plan: string;
}

/** `progress.json`: all that a later run needs to go on. */
export interface JoinProgress {
  readonly format_version: 1;
  readonly join: string;
  readonly output: string;
  readonly work_folder: string;
  readonly fingerprints: Fingerprints;
  readonly chunk_count: number;
  readonly chunks_processed: number;
  readonly total_records: number;
  readonly recent_chunks: readonly Omit<ChunkDone, 'file' | 'size_bytes' | 'sha256'>[];
  readonly last_chunk: number | null;
  readonly stats?: KeyStats;
  /** Rows of each bucket, once both sides are split. */
  readonly buckets?: {
    readonly left: readonly number[];
    readonly right: readonly number[];
    readonly bytes: number;
  };
  readonly chunks: readonly ChunkDone[];
}

/** Where a join keeps what outlives its process. */
export interface WorkPlace {
  readonly progressFile: string;
  /** Chunks, buckets; removed after the commit. */
  readonly workFolder: string;
  /** Where `checkpoint_dir` is on an object store. */
  readonly copy?: CheckpointCopy;
}

/** A second place of the progress and its chunks, for hosts that do not share a disk. */
export interface CheckpointCopy {
  /** Of its `progress.json`. */
  readonly location: string;
  /** As it would be in the work folder, but for the chunks' files. */
  read(place: WorkPlace): Promise<JoinProgress | 'broken' | undefined>;
  /** Brings the chunks of what was read; one that is not there is left out. */
  fetch(progress: JoinProgress): Promise<void>;
  save(progress: JoinProgress): Promise<void>;
  remove(place: WorkPlace): Promise<void>;
}

/**
 * Without folders of the config: a private one of the output's base, or where that is remote, the system's.
 * @param copyAt opens a `checkpoint_dir` that is on an object store
 */
export function workPlace(
  output: Located,
  dirs: { readonly checkpointDir?: string; readonly spillDir?: string },
  copyAt: (base: string) => CheckpointCopy,
): WorkPlace {
  const id = sha256Hex(output.location).slice(0, 16);
  const { local } = output.lake.storage;
  const own =
    local === undefined
      ? join(tmpdir(), `foundry-join-${userInfo().uid}`, id)
      : joinWorkFolder(local.path(''), id);
  const { checkpointDir: named, spillDir } = dirs;
  const checkpoint = named === undefined || isRemote(named) ? own : resolve(localPath(named));
  return {
    progressFile: join(checkpoint, PROGRESS_NAME),
    workFolder: join(spillDir === undefined ? checkpoint : resolve(localPath(spillDir)), `join-${id}`),
    ...(named !== undefined && isRemote(named) && { copy: copyAt(named) }),
  };
}

function localPath(folder: string): string {
  return folder.startsWith('file:') ? fileURLToPath(folder) : folder;
}

/**
 * What an earlier run left, as far as it can be gone on with; otherwise it is removed.
 * @param output the partition; `table`: where all loads lie that this run's lease keeps from being built meanwhile
 * @returns the progress, or why there is none (undefined: there never was)
 * @throws CFG001 where the folder holds the progress of another join.
 */
export async function resumable(
  place: WorkPlace,
  { location: output, table }: { readonly location: string; readonly table?: string | undefined },
  fingerprints: Fingerprints,
): Promise<{ readonly progress: JoinProgress } | { readonly reason: string | undefined }> {
  const local = await readProgress(place.progressFile);
  const copied = await place.copy?.read(place);
  const found = furtherOf(local, copied);
  if (found === undefined) {
    await removeTree(place.workFolder);
    return { reason: undefined };
  }
  if (found === 'broken') {
    await removeTree(place.workFolder);
    return { reason: `${placeOf(place)} cannot be read` };
  }
  const isOtherLoad = found.output !== output;
  if (isOtherLoad && (table === undefined || !found.output.startsWith(`${table}/`))) {
    throw new FoundryError(
      'CFG001',
      `${placeOf(place)} is the progress of another join, that of ${found.output}`,
      { hint: 'Give each join a checkpoint_dir of its own. If the other one is given up, remove the file.' },
    );
  }
  const difference = isOtherLoad
    ? `it built another load, ${found.output}`
    : differing(found, place, fingerprints);
  if (difference === undefined && found === copied) {
    await makeFolder(place.workFolder);
    await place.copy?.fetch(found);
  }
  const reason = difference ?? (await firstLost(found));
  if (reason === undefined) return { progress: found };
  await removeWork({ ...place, workFolder: found.work_folder });
  return { reason };
}

/** Of this host's own progress and the copy, the one that has done more; where both may be, one's own is nearer. */
function furtherOf(
  local: JoinProgress | 'broken' | undefined,
  copied: JoinProgress | 'broken' | undefined,
): JoinProgress | 'broken' | undefined {
  if (copied === undefined) return local;
  if (typeof local !== 'object' || typeof copied !== 'object') return copied;
  const isSame = JSON.stringify(local.fingerprints) === JSON.stringify(copied.fingerprints);
  return isSame && local.chunks.length >= copied.chunks.length ? local : copied;
}

/** Of `progress.json`, as the config has it. */
export function placeOf({ copy, progressFile }: WorkPlace): string {
  return copy?.location ?? progressFile;
}

function differing(found: JoinProgress, place: WorkPlace, now: Fingerprints): string | undefined {
  const { config, inputs, plan, version } = found.fingerprints;
  if (version !== now.version) return 'another version of foundry began it';
  if (inputs !== now.inputs) return 'the inputs are not the same any more';
  if (config !== now.config) return 'the config is not the same any more';
  if (plan !== now.plan) return 'the strategy is not the same any more';
  return found.work_folder === place.workFolder ? undefined : 'its chunks lie in another folder';
}

/** A chunk that is not what was written, as after a power failure. */
async function firstLost({ chunks }: JoinProgress): Promise<string | undefined> {
  for (const { chunk_index: index, file, sha256 } of chunks) {
    const actual = await hashOfFile(file).catch(() => undefined);
    if (actual?.sha256 !== sha256) return `chunk ${index} is not what was written`;
  }
  return undefined;
}

async function readProgress(file: string): Promise<JoinProgress | 'broken' | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw storageFailure('read', file, error);
  }
  return parseProgress(text);
}

export function parseProgress(text: string): JoinProgress | 'broken' {
  try {
    const content: unknown = JSON.parse(text);
    return isProgress(content) ? content : 'broken';
  } catch {
    return 'broken';
  }
}

function isProgress(value: unknown): value is JoinProgress {
  if (typeof value !== 'object' || value === null) return false;
  const { format_version, output, work_folder, fingerprints, chunks } = value as Partial<JoinProgress>;
  const isOurs = typeof work_folder === 'string' && /^join-[0-9a-f]{16}$/.test(basename(work_folder));
  return (
    format_version === 1 &&
    typeof output === 'string' &&
    isOurs &&
    fingerprints !== undefined &&
    Array.isArray(chunks)
  );
}

const RECENT = 6;

/** What the chunks so far amount to. */
export function progressOf(
  begun: Omit<JoinProgress, 'chunks_processed' | 'total_records' | 'recent_chunks' | 'last_chunk'>,
): JoinProgress {
  const { chunks, ...rest } = begun;
  const processed = chunks.filter((chunk) => chunk.right_only !== true);
  return {
    ...rest,
    chunks_processed: processed.length,
    total_records: chunks.reduce((sum, chunk) => sum + chunk.record_count, 0),
    recent_chunks: chunks
      .slice(-RECENT)
      .map(({ file: _file, sha256: _sha, size_bytes: _size, ...chunk }) => chunk),
    last_chunk: processed.at(-1)?.chunk_index ?? null,
    chunks,
  };
}

/**
 * Replaces the file in one step. It is not flushed: a chunk that a power failure lost is found by its hash, and a
 * progress that it lost is none. @throws STG001
 */
export async function saveProgress({ copy, progressFile }: WorkPlace, progress: JoinProgress): Promise<void> {
  const next = `${progressFile}.tmp`;
  await makeFolder(dirname(progressFile));
  try {
    await writeFile(next, `${JSON.stringify(progress, null, 2)}\n`);
    await rename(next, progressFile);
  } catch (error) {
    throw storageFailure('write', progressFile, error);
  }
  await copy?.save(progress);
}

/** Chunks first: without them the file that is left is of no use, and says so. */
export async function removeWork(place: WorkPlace): Promise<void> {
  const { copy, progressFile, workFolder } = place;
  await removeTree(workFolder);
  // What stays of it is of no harm: the next run goes on with it, or starts over and removes it.
  await copy?.remove(place).catch(() => undefined);
  for (const file of [progressFile, `${progressFile}.tmp`])
    await rm(file, { force: true }).catch(() => undefined);
  // Folders that are foundry's own go too; those of the config stay where they hold anything.
  await rmdir(dirname(progressFile)).catch(() => undefined);
  if (dirname(dirname(progressFile)).endsWith(joinWorkFolder('', '')))
    await rmdir(dirname(dirname(progressFile))).catch(() => undefined);
}
