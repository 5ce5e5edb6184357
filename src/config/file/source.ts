import { basename, dirname, extname } from 'node:path';
import type * as v from 'valibot';
import { didYouMean } from '../../core/nearest.ts';
import { checkColumns } from '../rules.ts';
import { checkColumnTypes, columnTypes } from '../silver/column-types.ts';
import type { FileFormat, FileSourceSpec, TextEncoding } from '../spec.ts';
import { parseLocation } from '../storage/location.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import { FILE_FORMATS, type fileOptions } from './schema.ts';

type Entries = typeof fileOptions;
export type FileOptions = { readonly [K in keyof Entries]?: v.InferOutput<Entries[K]> };

/** Where the keys of a file source stand; the two dialects differ. */
export interface FilePlaces {
  readonly path: ConfigPath;
  readonly options: ConfigPath;
}

/** The rules of file sources that need more than one key, or more than a type. */
export function checkFile(
  path: string | undefined,
  options: Partly<FileOptions>,
  places: FilePlaces,
  report: Report,
): void {
  const at = (key: keyof FileOptions): ConfigPath => [...places.options, key];
  if (path !== undefined) checkPath(path, places.path, report);
  for (const key of ['delimiter', 'quote'] as const) {
    const value = options[key];
    if (value === undefined) continue;
    if ([...value].length !== 1 || /[\r\n]/.test(value)) {
      const hint = value === '\\t' ? '; write "\\t" in double quotes for a tab' : '';
      report.invalid(at(key), `${key} must be a single character, got ${report.show(at(key), value)}${hint}`);
    }
  }
  if (options.delimiter !== undefined && options.delimiter === (options.quote ?? '"')) {
    report.invalid(at('delimiter'), 'delimiter and quote must differ');
  }
  if (options.encoding !== undefined && encodingOf(options.encoding) === undefined) {
    report.invalid(
      at('encoding'),
      `${report.show(at('encoding'), options.encoding)} is not an encoding that foundry reads; it reads utf-8, utf-16, utf-16le, utf-16be, latin1 and windows-1252`,
    );
  }
  if (options.has_header === false && options.fieldnames === undefined) {
    report.invalid(at('fieldnames'), 'fieldnames is required when has_header is false', 'key');
  }
  checkColumns(options.fieldnames, at('fieldnames'), report, { atLeastOne: true });
  checkColumns(options.columns, at('columns'), report, { atLeastOne: true });
  if (typeof options.types === 'object') checkColumnTypes(options.types, at('types'), report);
  checkTypedColumns(options, at('types'), report);
  warnOfUseless(options.format ?? (path === undefined ? undefined : formatOf(path)), options, at, report);
}

function checkPath(path: string, at: ConfigPath, report: Report): void {
  const shown = report.show(at, path);
  if (path.trim() === '') {
    report.invalid(at, 'the path must not be empty');
  } else if (path.includes('\u0000')) {
    report.invalid(at, 'the path must not contain control characters');
  } else if (problemOf(path) !== undefined) {
    report.invalid(at, `${shown}: ${problemOf(path)}`);
  } else if (basename(path).startsWith('_')) {
    report.invalid(at, `${shown} begins with _, as the metadata of a lake does; it is no source`);
  }
}

/** What is wrong with a URI; a plain path is looked at when it is read. */
function problemOf(path: string): string | undefined {
  const location = parseLocation(path);
  return 'problem' in location ? location.problem : undefined;
}

/** Where the names of all columns are written in the config, a type for any other column is a mistake. */
function checkTypedColumns(options: Partly<FileOptions>, at: ConfigPath, report: Report): void {
  const { fieldnames, types } = options;
  if (fieldnames === undefined || typeof types !== 'object') return;
  for (const column of Object.keys(types)) {
    if (fieldnames.includes(column)) continue;
    const here = [...at, column];
    report.invalid(here, `fieldnames has no such column${didYouMean(column, fieldnames)}`, 'key');
  }
}

function warnOfUseless(
  format: FileFormat | undefined,
  options: Partly<FileOptions>,
  at: (key: keyof FileOptions) => ConfigPath,
  report: Report,
): void {
  if (format === undefined) return;
  const delimited = format === 'csv' || format === 'tsv';
  const useless: readonly (keyof FileOptions)[] = delimited
    ? ['json_path']
    : [
        'delimiter',
        'quote',
        'has_header',
        'fieldnames',
        'null_values',
        ...(format === 'json' ? [] : (['json_path'] as const)),
        ...(format === 'parquet' ? (['encoding'] as const) : []),
      ];
  for (const key of useless) {
    if (options[key] !== undefined) report.warn(at(key), `'${key}' has no effect on ${format} files`);
  }
}

function formatOf(path: string): FileFormat | undefined {
  const extension = extname(path.replace(/\.(?:gz|zst)$/i, ''))
    .slice(1)
    .toLowerCase();
  return FILE_FORMATS.find((format) => format === extension);
}

/** By names without case, `-` and `_`. */
const ENCODINGS: Readonly<Record<string, TextEncoding>> = {
  utf8: 'utf-8',
  utf8sig: 'utf-8',
  utf16: 'utf-16',
  utf16le: 'utf-16le',
  utf16be: 'utf-16be',
  latin1: 'latin1',
  iso88591: 'latin1',
  windows1252: 'windows-1252',
  cp1252: 'windows-1252',
};

function encodingOf(name: string): TextEncoding | undefined {
  const key = name.trim().toLowerCase().replaceAll(/[-_]/g, '');
  return Object.hasOwn(ENCODINGS, key) ? ENCODINGS[key] : undefined;
}

/** @param configPath path of the config file, beside which the source is looked for second. */
export function fileSource(path: string, options: FileOptions, configPath: string): FileSourceSpec {
  return {
    type: 'file',
    path,
    configFolder: dirname(configPath),
    ...(options.format !== undefined && { format: options.format }),
    ...(options.delimiter !== undefined && { delimiter: options.delimiter }),
    encoding: encodingOf(options.encoding ?? 'utf-8') ?? 'utf-8',
    quote: options.quote ?? '"',
    hasHeader: options.has_header ?? true,
    ...(options.fieldnames !== undefined && { fieldnames: options.fieldnames }),
    nullValues: options.null_values ?? [],
    types: typeof options.types === 'object' ? columnTypes(options.types) : (options.types ?? 'text'),
    ...(options.columns !== undefined && { columns: options.columns }),
    ...(options.limit_rows !== undefined && { limitRows: options.limit_rows }),
    ...(options.json_path !== undefined && { jsonPath: options.json_path }),
  };
}
