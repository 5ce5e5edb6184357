import { dirname } from 'node:path';
import { checkIncremental, type IncrementalPlace, incrementalSpec } from '../incremental.ts';
import { checkColumns } from '../rules.ts';
import { checkColumnTypes, columnTypes } from '../silver/column-types.ts';
import type { SourcePart } from '../spec.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { CustomOptions } from './schema.ts';

/** How runs of the dataset are told apart; both dialects know it. */
export type RunPlace = Omit<IncrementalPlace, 'at'>;

export function checkCustom(
  options: Partly<CustomOptions>,
  at: ConfigPath,
  place: RunPlace,
  report: Report,
): void {
  if (options.module === undefined || options.module.trim() === '') {
    report.invalid([...at, 'module'], `${at.join('.')} requires 'module'`, 'key');
  }
  if (options.params !== undefined && options.config !== undefined) {
    report.invalid([...at, 'config'], 'config is the older name of params; keep one of them', 'key');
  }
  checkColumns(options.columns, [...at, 'columns'], report, { atLeastOne: true });
  if (options.types !== undefined) checkColumnTypes(options.types, [...at, 'types'], report);
  checkRowIncremental(options.incremental, [...at, 'incremental'], place, report);
}

export function customSource(options: CustomOptions, configPath: string): SourcePart {
  const { class_name: name, types, columns } = options;
  return {
    source: {
      type: 'custom',
      module: options.module ?? '',
      configFolder: dirname(configPath),
      ...(name !== undefined && { exportName: name }),
      params: options.params ?? options.config ?? {},
      ...(types !== undefined && { types: columnTypes(types) }),
      ...(columns !== undefined && { columns }),
    },
    ...continuation(options.incremental),
  };
}

type RowIncremental = NonNullable<CustomOptions['incremental']>;

/** The rules of `incremental` where the rows come from a program of the owner's. */
export function checkRowIncremental(
  incremental: Partly<RowIncremental> | undefined,
  at: ConfigPath,
  place: RunPlace,
  report: Report,
): void {
  if (incremental === undefined || incremental.enabled === false) return;
  const { cursor_column: column } = incremental;
  if (column === undefined || column.trim() === '') {
    report.invalid([...at, 'cursor_column'], "incremental requires 'cursor_column'", 'key');
  }
  checkIncremental(incremental, { at, ...place }, report);
}

/** By a cursor where one is configured, else by a state that only the source understands, where it keeps one. */
export function continuation(incremental: RowIncremental | undefined): Omit<SourcePart, 'source'> {
  const spec = incrementalSpec(incremental?.cursor_column, incremental);
  return spec === undefined ? { keepsState: true } : { incremental: spec };
}
