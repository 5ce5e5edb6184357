import type { OutputFormats } from '../config/spec.ts';
import { throwIfStopped } from '../core/errors.ts';
import type { Progress } from '../core/log.ts';
import { sha256Hex } from '../lake/generation.ts';
import type { SpooledPart } from '../lake/lake.ts';
import { acquireLease } from '../lake/lease.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME } from '../lake/manifest.ts';
import { rollParts } from '../lake/parts.ts';
import { openStaging } from '../lake/staging.ts';
import { openStorage } from '../storage/open.ts';
import { locationOf, type Storage } from '../storage/storage.ts';
import { checksumsOf, type HashedFile, metadataOf, readmeOf } from './metadata.ts';
import { ownBase } from './ownership.ts';
import type { SamplePart } from './part.ts';
import type { SamplePattern, SampleSizes } from './patterns.ts';
import { patternPath, type SampleFolder, samplePlan } from './plan.ts';

const BATCH_ROWS = 8192;

export interface SampleOptions {
  readonly base: string;
  readonly patterns: readonly SamplePattern[];
  readonly sizes: SampleSizes;
  readonly formats: OutputFormats;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** One pattern's samples, made or planned. */
export interface SampleReport {
  readonly dataset: string;
  readonly layer: 'samples';
  readonly status: 'complete' | 'planned';
  readonly location: string;
  readonly load_pattern: string;
  readonly folders: number;
  readonly first_date: string;
  readonly last_date: string;
  readonly rows: number;
  /** Keys below the base. */
  readonly files: readonly {
    readonly path: string;
    readonly rows: number;
    readonly size_bytes: number | null;
  }[];
  /** Of an earlier run with other sizes. */
  readonly removed: readonly string[];
}

/**
 * Makes the source samples pattern by pattern, each file streamed. Equal options give equal bytes.
 *
 * @throws USE001 where the base holds what no earlier run made; CFG001 for a base that is none;
 * LOCK001 another run makes samples there; STG001; INT001.
 */
export async function* makeSamples(options: SampleOptions): AsyncGenerator<SampleReport> {
  const storage = openStorage(options.base, { signal: options.signal });
  await ownBase(storage, plannedFiles(options));
  const lease = await acquireLease({ storage }, 'samples', options);
  try {
    const owned = await ownBase(storage, plannedFiles(options));
    await owned.claim();
    for (const pattern of options.patterns) {
      const readme = new TextEncoder().encode(readmeOf(pattern, options.sizes));
      await storage.put(`${patternPath(pattern)}/README.md`, { bytes: readme });
      const folders = samplePlan(pattern, options.sizes);
      const files: Made[] = [];
      for (const folder of folders) files.push(...(await makeFolder(storage, folder, options)));
      const removed = owned.leftOver(patternPath(pattern));
      for (const path of removed) await storage.remove(path);
      await owned.forget(removed);
      yield report(storage, pattern, folders, files, 'complete', removed);
    }
  } finally {
    await lease.release();
  }
}

/** What `makeSamples` would make; writes nothing. @throws USE001, CFG001, STG001 */
export async function* planSamples(options: SampleOptions): AsyncGenerator<SampleReport> {
  const storage = openStorage(options.base, { signal: options.signal });
  const owned = await ownBase(storage, plannedFiles(options));
  for (const pattern of options.patterns) {
    const folders = samplePlan(pattern, options.sizes);
    const files = folders.flatMap((folder) =>
      folder.parts.flatMap((part) =>
        formatsOf(options.formats).map((format) => ({
          path: `${folder.path}/${part.stem}.${format}`,
          rows: part.rows,
          size_bytes: null,
        })),
      ),
    );
    yield report(storage, pattern, folders, files, 'planned', owned.leftOver(patternPath(pattern)));
  }
}

type Made = SampleReport['files'][number];

function report(
  storage: Storage,
  pattern: SamplePattern,
  folders: readonly SampleFolder[],
  files: readonly Made[],
  status: SampleReport['status'],
  removed: readonly string[],
): SampleReport {
  return {
    dataset: pattern.folder,
    layer: 'samples',
    status,
    location: locationOf(storage, patternPath(pattern)),
    load_pattern: pattern.loadPattern,
    folders: folders.length,
    first_date: folders[0]?.date ?? '',
    last_date: folders.at(-1)?.date ?? '',
    rows: folders.reduce((sum, folder) => sum + rowsOf(folder), 0),
    files,
    removed,
  };
}

function rowsOf({ parts }: SampleFolder): number {
  return parts.reduce((sum, part) => sum + part.rows, 0);
}

/** Every file, so that a stopped run leaves nothing that the next one would take for somebody else's. */
function plannedFiles({ patterns, sizes, formats }: SampleOptions): string[] {
  return patterns.flatMap((pattern) => [
    `${patternPath(pattern)}/README.md`,
    ...samplePlan(pattern, sizes).flatMap(({ path, parts }) => [
      ...parts.flatMap(({ stem }) => formatsOf(formats).map((format) => `${path}/${stem}.${format}`)),
      `${path}/${MANIFEST_NAME}`,
      `${path}/${CHECKSUMS_NAME}`,
    ]),
  ]);
}

function formatsOf(formats: OutputFormats): ('parquet' | 'csv')[] {
  return (['parquet', 'csv'] as const).filter((format) => formats[format]);
}

/** The metadata comes last: a folder that has none is not complete. */
async function makeFolder(
  storage: Storage,
  folder: SampleFolder,
  options: SampleOptions,
): Promise<readonly Made[]> {
  options.progress.step(`${folder.pattern.folder} ${folder.path.slice(folder.path.indexOf('dt='))}`);
  const staging = await openStaging(storage, options);
  try {
    const written: SpooledPart[] = [];
    for (const part of folder.parts) written.push(...(await writePart(part, staging.path, options)));
    const files: (HashedFile & Made)[] = [];
    for (const { stem, format, file, rows, sizeBytes, sha256 } of written) {
      const name = `${stem}.${format}`;
      const path = `${folder.path}/${name}`;
      await storage.put(path, { file });
      options.progress.bytes(sizeBytes);
      files.push({ path, name, rows, size_bytes: sizeBytes, sha256 });
    }
    const metadata = metadataOf(folder, rowsOf(folder));
    const own = { name: MANIFEST_NAME, size_bytes: metadata.length, sha256: sha256Hex(metadata) };
    await storage.put(`${folder.path}/${MANIFEST_NAME}`, { bytes: metadata });
    const checksums = checksumsOf(folder, rowsOf(folder), [...files, own]);
    await storage.put(`${folder.path}/${CHECKSUMS_NAME}`, { bytes: checksums });
    return files.map(({ path, rows, size_bytes }) => ({ path, rows, size_bytes }));
  } finally {
    await staging.remove();
  }
}

async function writePart(part: SamplePart, spool: string, options: SampleOptions): Promise<SpooledPart[]> {
  const { schema } = part;
  const roller = rollParts({ spool, formats: options.formats, schema, stem: () => part.stem });
  try {
    for (let from = 0; from < part.rows; from += BATCH_ROWS) {
      throwIfStopped(options.signal);
      const length = Math.min(BATCH_ROWS, part.rows - from);
      const columns: unknown[][] = schema.fields.map(() => new Array(length));
      for (let index = 0; index < length; index += 1) {
        const values = part.row(from + index);
        columns.forEach((column, at) => {
          column[index] = values[at] ?? null;
        });
      }
      await roller.write({ schema, columns, length });
      options.progress.rows(length);
      // Signals are only heard between turns of the event loop.
      await new Promise(setImmediate);
    }
    return await roller.close();
  } catch (error) {
    await roller.abort();
    throw error;
  }
}
