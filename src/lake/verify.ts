import { createHash } from 'node:crypto';
import { FoundryError, messageOf, throwIfStopped } from '../core/errors.ts';
import { rowsInFooter } from '../formats/parquet/parquet-footer.ts';
import { locationOf, type Storage } from '../storage/storage.ts';
import { inParallel, turns } from '../storage/turns.ts';
import { keyOf } from './attempt.ts';
import { checksums, sha256Hex } from './generation.ts';
import type { Lake } from './lake.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME, type Manifest, type ManifestFile } from './manifest.ts';
import { type Checksums, parseChecksums, parseManifest } from './manifest-schema.ts';
import { tailOf } from './tail.ts';
import { isDataName, lakeTree, type PartitionFolder } from './tree.ts';

export interface FileProblem {
  /** Relative to the partition. */
  readonly file: string;
  readonly problem: 'missing' | 'extra' | 'size' | 'hash' | 'rows' | 'manifest' | 'checksums';
  readonly message: string;
}

/** What a check of one partition against its manifest found. */
export interface VerifiedPartition {
  readonly partition: string;
  readonly location: string;
  /** `foreign`: the manifest is not foundry's, so nothing was compared. */
  readonly status: 'intact' | 'damaged' | 'foreign';
  readonly commit_id?: string;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  readonly problems: readonly FileProblem[];
  /** Sentences that are no damage. */
  readonly notes: readonly string[];
}

export interface VerifyOptions {
  readonly signal: AbortSignal;
  /** Files that are read at a time, over all partitions. */
  readonly parallel: number;
  readonly onBytes?: (bytes: number) => void;
}

const PARALLEL_PARTITIONS = 16;
/** Kept of each file while it is hashed: as much as the Parquet library asks for at first. */
const FOOTER_BYTES = 512 * 1024;

/**
 * Compares every partition at or below a folder with its manifest: each file's size, SHA-256 and (Parquet) number of
 * rows, files that are missing, and data files that are not listed. Everything is looked at, whatever is found.
 *
 * @throws EXT001 when there is no partition; STG001, AUTH001, RETRY001, INT001.
 */
export async function verifyTree(
  lake: Lake,
  prefix: string,
  options: VerifyOptions,
): Promise<readonly VerifiedPartition[]> {
  const { partitions, withoutManifest } = await lakeTree(lake, prefix);
  const asked = await inParallel(withoutManifest, PARALLEL_PARTITIONS, (path) =>
    lostManifest(lake.storage, path),
  );
  const lost = asked.filter((found) => found !== undefined);
  if (partitions.length + lost.length === 0) {
    throw new FoundryError(
      'EXT001',
      `there is no ${MANIFEST_NAME} at or below ${locationOf(lake.storage, prefix)}`,
      {
        hint: 'Name a partition, or a folder above some.',
      },
    );
  }
  const files = turns(options.parallel);
  const verified = await inParallel(partitions, PARALLEL_PARTITIONS, (folder) =>
    verifyPartition(lake.storage, folder, options, (work) => files.run(work)),
  );
  return [...verified, ...lost];
}

/** A partition whose checksums tell of the manifest that foundry committed with them, and that is not there. */
async function lostManifest(storage: Storage, path: string): Promise<VerifiedPartition | undefined> {
  const found = await storage.readBytes(keyOf(path, CHECKSUMS_NAME));
  const stored = found === undefined ? undefined : readableChecksums(found.bytes);
  if (stored?.commit_id === undefined || !stored.files.some((file) => file.path === MANIFEST_NAME)) return;
  // A run may have put both there since they were listed.
  if ((await storage.stat(keyOf(path, MANIFEST_NAME))) !== undefined) return;
  const message = `it was committed with ${CHECKSUMS_NAME}, and it is not there: restore it, or land the partition again`;
  return {
    partition: path,
    location: locationOf(storage, path),
    status: 'damaged',
    files: 0,
    rows: 0,
    bytes: 0,
    problems: [{ file: MANIFEST_NAME, problem: 'manifest', message }],
    notes: [],
  };
}

function readableChecksums(bytes: Uint8Array): Checksums | undefined {
  try {
    return parseChecksums(bytes, CHECKSUMS_NAME);
  } catch {
    return undefined;
  }
}

async function verifyPartition(
  storage: Storage,
  folder: PartitionFolder,
  options: VerifyOptions,
  inTurn: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<VerifiedPartition> {
  const { path } = folder;
  const facts = { partition: path, location: locationOf(storage, path), files: 0, rows: 0, bytes: 0 };
  const found = await storage.readBytes(keyOf(path, MANIFEST_NAME));
  let manifest: Manifest | undefined;
  try {
    manifest = found === undefined ? undefined : parseManifest(found.bytes, MANIFEST_NAME);
  } catch (error) {
    const problem: FileProblem = { file: MANIFEST_NAME, problem: 'manifest', message: messageOf(error) };
    return { ...facts, status: 'damaged', problems: [problem], notes: [] };
  }
  if (found === undefined || manifest === undefined) {
    return { ...facts, status: 'foreign', problems: [], notes: ['its manifest is not foundry’s'] };
  }
  const compared = await Promise.all(
    manifest.files.map((file) => inTurn(() => compareFile(storage, folder, file, options))),
  );
  const listed = new Set(manifest.files.map((file) => file.path));
  const unlisted = [...folder.objects.keys()].filter((name) => !listed.has(name));
  const extra = unlisted.filter(isDataName).map(
    (file): FileProblem => ({
      file,
      problem: 'extra',
      message: 'no manifest lists it: `foundry gc` removes it once it is a day old',
    }),
  );
  const derived = await compareChecksums(storage, path, manifest, found.bytes);
  const problems = [...compared.flat(), ...extra, ...derived.problems];
  const others = unlisted.length - extra.length;
  return {
    ...facts,
    status: problems.length === 0 ? 'intact' : 'damaged',
    commit_id: manifest.commit_id,
    files: manifest.files.length,
    rows: manifest.record_count,
    bytes: manifest.files.reduce((sum, file) => sum + file.size_bytes, 0),
    problems,
    notes: [...derived.notes, ...(others > 0 ? [`${others} other files that are no data`] : [])],
  };
}

async function compareFile(
  storage: Storage,
  { path, objects }: PartitionFolder,
  file: ManifestFile,
  options: VerifyOptions,
): Promise<FileProblem[]> {
  throwIfStopped(options.signal);
  const problem = (kind: FileProblem['problem'], message: string): FileProblem => ({
    file: file.path,
    problem: kind,
    message,
  });
  const object = objects.get(file.path);
  if (object === undefined) return [problem('missing', 'the manifest lists it, and it is not there')];
  if (object.sizeBytes !== file.size_bytes) {
    return [problem('size', `it has ${object.sizeBytes} bytes instead of ${file.size_bytes}`)];
  }
  const key = keyOf(path, file.path);
  const hash = createHash('sha256');
  const tail = tailOf(file.format === 'parquet' ? FOOTER_BYTES : 0);
  for await (const chunk of storage.read(key)) {
    throwIfStopped(options.signal);
    hash.update(chunk);
    tail.add(chunk);
    options.onBytes?.(chunk.length);
  }
  if (hash.digest('hex') !== file.sha256) {
    return [problem('hash', 'it has other bytes than when it was committed')];
  }
  if (file.format !== 'parquet') return [];
  const read = async (start: number, end: number): Promise<Uint8Array> =>
    tail.slice(start, end) ?? Buffer.concat(await Array.fromAsync(storage.read(key, { start, end })));
  try {
    const rows = await rowsInFooter(file.path, object.sizeBytes, read);
    return rows === file.rows
      ? []
      : [problem('rows', `its footer tells ${rows} rows, the manifest ${file.rows}`)];
  } catch (error) {
    if (!(error instanceof FoundryError) || error.code !== 'DATA001') throw error;
    return [problem('rows', error.message)];
  }
}

/** `_checksums.json` is derived: missing or of another commit it is no damage, saying something else it is. */
async function compareChecksums(
  storage: Storage,
  path: string,
  manifest: Manifest,
  manifestBytes: Uint8Array,
): Promise<{ readonly problems: readonly FileProblem[]; readonly notes: readonly string[] }> {
  const found = await storage.readBytes(keyOf(path, CHECKSUMS_NAME));
  if (found === undefined)
    return { problems: [], notes: [`${CHECKSUMS_NAME} is missing; a run rebuilds it`] };
  const damaged = (message: string) => ({
    problems: [{ file: CHECKSUMS_NAME, problem: 'checksums' as const, message }],
    notes: [],
  });
  try {
    const stored = parseChecksums(found.bytes, CHECKSUMS_NAME);
    if (stored.commit_id !== manifest.commit_id)
      return { problems: [], notes: [`${CHECKSUMS_NAME} is of another commit; a run rebuilds it`] };
  } catch (error) {
    return damaged(messageOf(error));
  }
  const expected = JSON.parse(JSON.stringify(checksums(manifest, manifestBytes))) as {
    readonly files: unknown;
  };
  const actual = JSON.parse(new TextDecoder().decode(found.bytes)) as { readonly files: unknown };
  const isSame = sha256Hex(JSON.stringify(expected.files)) === sha256Hex(JSON.stringify(actual.files));
  return isSame
    ? { problems: [], notes: [] }
    : damaged(`it and ${MANIFEST_NAME} are of one commit but disagree`);
}
