import { createHash } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSourceSpec } from '../../config/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import type { InputFile } from '../../formats/input.ts';
import { packingOf } from '../../formats/unpack.ts';
import { storageOf } from '../../storage/open.ts';
import { spoolBudget } from '../../storage/spool-budget.ts';
import type { Storage, StoredObject } from '../../storage/storage.ts';
import { inParallel } from '../../storage/turns.ts';
import type { SourceContext } from '../source.ts';
import { commonFormat, formatOf, GLOB, isReserved, type ResolvedFiles } from './paths.ts';

const PARALLEL_FETCHES = 4;

/** Source files on an object store: looked at there, and fetched before they are read. */
export interface RemoteFiles extends ResolvedFiles {
  /**
   * Copies every file into a folder, once.
   * @returns the same files, whose bytes lie there. @throws EXT001 for a file that changed meanwhile; STG001 when they
   * do not fit; AUTH001, RETRY001, INT001.
   */
  fetch(folder: string): Promise<ResolvedFiles>;
}

/**
 * The objects of one URI, a glob or a folder, by the rules of `resolveFiles`.
 * @throws EXT001 when nothing matches or the store refuses; CFG001 as `resolveFiles`; AUTH001, RETRY001.
 */
export async function resolveRemote(
  path: string,
  spec: FileSourceSpec,
  context: SourceContext,
): Promise<RemoteFiles> {
  const { base, below } = split(path);
  const signal = context.signal ?? new AbortController().signal;
  const storage = storageOf(base, context, { signal, log: context.log ?? silentLog });
  const objects = await ofSource(() => expand(storage, below, spec));
  if (objects.length === 0) {
    throw new FoundryError('EXT001', `no object matches ${path}`, {
      hint: 'The path is looked for as it is written: nothing in a URI is percent-decoded, and names are case-sensitive.',
    });
  }
  const uris = objects.map(({ key }) => `${base}/${key}`);
  const files = objects.map(({ key, sizeBytes, modifiedAt }): InputFile => {
    const uri = `${base}/${key}`;
    return {
      path: uri,
      packing: packingOf(uri),
      encoding: spec.encoding,
      sizeBytes,
      modifiedMs: modifiedAt.getTime(),
    };
  });
  const format = spec.format ?? commonFormat(uris);
  let fetched: Promise<ResolvedFiles> | undefined;
  return {
    format,
    files,
    fetch: (folder) => (fetched ??= fetchAll(storage, { format, files }, base, folder, context)),
  };
}

/** The folder before the first segment with a wildcard (or before the last one), and what lies below it. */
function split(path: string): { readonly base: string; readonly below: string } {
  const trimmed = path.replace(/\/+$/, '');
  const start = trimmed.indexOf('://') + 3;
  const [bucket = '', ...segments] = trimmed.slice(start).split('/');
  const wild = segments.findIndex((segment) => GLOB.test(segment));
  const at = wild < 0 ? Math.max(0, segments.length - 1) : wild;
  return {
    base: [`${trimmed.slice(0, start)}${bucket}`, ...segments.slice(0, at)].join('/'),
    below: segments.slice(at).join('/'),
  };
}

async function expand(storage: Storage, below: string, spec: FileSourceSpec): Promise<StoredObject[]> {
  if (below !== '' && !/[*?]/.test(below)) {
    const found = await storage.stat(below);
    if (found !== undefined) return [found];
  }
  return GLOB.test(below) ? matching(storage, below) : inFolder(storage, below, spec);
}

async function matching(storage: Storage, pattern: string): Promise<StoredObject[]> {
  const glob = new Bun.Glob(pattern);
  const found: StoredObject[] = [];
  for await (const object of storage.list('')) {
    if (glob.match(object.key) && !object.key.split('/').some(isReserved)) found.push(object);
  }
  return found;
}

async function inFolder(storage: Storage, folder: string, spec: FileSourceSpec): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const object of storage.list(folder)) {
    const name = object.key.slice(folder === '' ? 0 : folder.length + 1);
    const format = formatOf(name);
    const isWanted = spec.format === undefined ? format !== undefined : format === spec.format;
    if (!name.includes('/') && isWanted && !isReserved(name)) found.push(object);
  }
  return found;
}

async function fetchAll(
  storage: Storage,
  { format, files }: ResolvedFiles,
  base: string,
  folder: string,
  { budget = spoolBudget() }: SourceContext,
): Promise<ResolvedFiles> {
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  await budget.take(
    bytes,
    files.length === 1 ? (files[0]?.path ?? base) : `${files.length} files of ${base}`,
    folder,
  );
  const spool = join(folder, 'source');
  await mkdir(spool, { recursive: true });
  const local = await inParallel(files, PARALLEL_FETCHES, async (file): Promise<InputFile> => {
    const copy = join(spool, `${createHash('sha256').update(file.path).digest('hex').slice(0, 32)}.tmp`);
    await ofSource(() => storage.download(file.path.slice(base.length + 1), copy));
    const { size, mtimeMs } = await stat(copy);
    if (size !== file.sizeBytes) {
      throw new FoundryError(
        'EXT001',
        `${file.path} was changed while it was being read: ${size} bytes instead of ${file.sizeBytes}`,
        { hint: 'Run again once the file is complete.' },
      );
    }
    return { ...file, at: copy, modifiedMs: mtimeMs };
  });
  return { format, files: local };
}

/** What a storage fails with, when it is a source. */
async function ofSource<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FoundryError) || error.code !== 'STG001') throw error;
    throw new FoundryError('EXT001', error.message, {
      details: error.details,
      hint: error.hint,
      cause: error,
    });
  }
}
