import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileFormat, FileSourceSpec } from '../../config/spec.ts';
import { schemeOf } from '../../config/storage/location.ts';
import { FoundryError, messageOf } from '../../core/errors.ts';
import type { RunDate } from '../../core/run-date.ts';
import { type InputFile, statInput } from '../../formats/input.ts';
import { withoutPacking } from '../../formats/unpack.ts';

const EXTENSIONS: Readonly<Record<string, FileFormat>> = {
  csv: 'csv',
  tsv: 'tsv',
  json: 'json',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  parquet: 'parquet',
};

export const GLOB = /[*?[\]{}!]/;

export interface ResolvedFiles {
  readonly format: FileFormat;
  /** Sorted by path; at least one. */
  readonly files: readonly InputFile[];
}

/** `{date}`, `{yyyy}`, `{mm}`, `{dd}` take the run date. */
export function expandPath(path: string, { date }: RunDate): string {
  const [yyyy = '', mm = '', dd = ''] = date.split('-');
  const values: Readonly<Record<string, string>> = { date, yyyy, mm, dd };
  return path.replace(/\{(date|yyyy|mm|dd)\}/g, (_, name: string) => values[name] ?? '');
}

/**
 * The files of one path, a glob or a folder, looked for from the working directory, then from the config's
 * folder. In globs and folders, names that start with `_` or `.` are not data and are passed over.
 * @throws EXT001 when nothing matches or a file cannot be looked at; CFG001 when the format is not known, or
 * differs between files, or the one path names a file of foundry's own (`_…`).
 */
export async function resolveFiles(spec: FileSourceSpec, runDate: RunDate): Promise<ResolvedFiles> {
  const expanded = expandPath(spec.path, runDate);
  const path = schemeOf(expanded) === 'file' ? fileURLToPath(expanded) : expanded;
  if (basename(path).startsWith('_')) {
    throw new FoundryError(
      'CFG001',
      `the path of the source: ${path} starts with "_", as files that foundry writes about data do`,
    );
  }
  const bases = isAbsolute(path) ? [sep] : [process.cwd(), resolve(spec.configFolder)];
  const candidates = [...new Set(bases.map((base) => resolve(base, path)))];
  for (const candidate of candidates) {
    const paths = await expand(candidate, spec.format);
    if (paths === undefined) continue;
    const files = await Promise.all(paths.sort().map((file) => statInput(file, spec.encoding)));
    return { format: spec.format ?? commonFormat(paths), files };
  }
  throw new FoundryError('EXT001', `no file matches ${candidates.join(' or ')}`, {
    hint: 'Relative paths are looked for from the working directory, then from the folder of the config file.',
  });
}

/** Undefined when nothing is there. */
async function expand(path: string, format: FileFormat | undefined): Promise<string[] | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new FoundryError('EXT001', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  if (found?.isFile()) return [path];
  if (found?.isDirectory()) return folderFiles(path, format);
  if (found !== undefined) throw new FoundryError('EXT001', `${path} is neither a file nor a folder`);
  if (!GLOB.test(path)) return undefined;
  const matches = await globFiles(path);
  return matches.length === 0 ? undefined : matches;
}

async function folderFiles(folder: string, format: FileFormat | undefined): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new FoundryError('EXT001', `${folder} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  const paths: string[] = [];
  for (const entry of entries) {
    const found = formatOf(entry.name);
    const wanted = format === undefined ? found !== undefined : found === format;
    if (!wanted || isReserved(entry.name)) continue;
    const path = join(folder, entry.name);
    if ((await stat(path)).isFile()) paths.push(path);
  }
  if (paths.length === 0) {
    const endings = Object.keys(EXTENSIONS).filter(
      (key) => format === undefined || EXTENSIONS[key] === format,
    );
    throw new FoundryError(
      'EXT001',
      `${folder} holds no file that ends in ${endings.map((key) => `.${key}`).join(', ')}`,
      {
        hint: 'Files of other names can be named by a glob, with the file option "format".',
      },
    );
  }
  return paths;
}

async function globFiles(pattern: string): Promise<string[]> {
  let base = dirname(pattern);
  while (GLOB.test(base)) base = dirname(base);
  const relative = pattern.slice(base.endsWith(sep) ? base.length : base.length + 1);
  if ((await stat(base).catch(() => undefined)) === undefined) return [];
  const matches: string[] = [];
  try {
    for await (const match of new Bun.Glob(relative).scan({ cwd: base, onlyFiles: false })) {
      const path = join(base, match);
      if (!match.split(sep).some(isReserved) && (await stat(path)).isFile()) matches.push(path);
    }
  } catch (error) {
    throw new FoundryError('EXT001', `${base} cannot be searched: ${messageOf(error)}`, { cause: error });
  }
  return matches;
}

export function isReserved(name: string): boolean {
  return name.startsWith('_') || name.startsWith('.');
}

/** By extension, `.gz` and `.zst` aside. */
export function formatOf(path: string): FileFormat | undefined {
  return EXTENSIONS[/\.([^./\\]+)$/.exec(withoutPacking(path).toLowerCase())?.[1] ?? ''];
}

/** For files that no format of foundry's describes, whatever the option says. */
function adviceOn(path: string): string | undefined {
  if (/\.(?:xlsx?|xlsm|xlsb|ods)$/i.test(path)) {
    return 'foundry does not read workbooks: save the sheet as CSV (UTF-8), or let a source of type command turn it into CSV.';
  }
  return /\.(?:zip|7z|rar|tar|tgz|bz2|xz|lz4|snappy)$/i.test(path)
    ? 'foundry unpacks .gz and .zst only: unpack the file, or let a source of type command do so.'
    : undefined;
}

export function commonFormat(paths: readonly string[]): FileFormat {
  let common: FileFormat | undefined;
  for (const path of paths) {
    const format = formatOf(path);
    const hint = 'Set the file option "format".';
    if (format === undefined) {
      throw new FoundryError('CFG001', `the name of ${path} does not tell its format`, {
        hint: adviceOn(path) ?? hint,
      });
    }
    if (common !== undefined && common !== format) {
      throw new FoundryError(
        'CFG001',
        `${paths[0]} is ${common} and ${path} is ${format}: one source has one format`,
        { hint },
      );
    }
    common = format;
  }
  if (common === undefined) throw new Error('no files');
  return common;
}
