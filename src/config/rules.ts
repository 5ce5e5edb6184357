import { CONFIG_VERSIONS } from './file/schema.ts';
import { isTimezone, nameProblem, partitionNameProblem } from './names.ts';
import type { Compression, OutputFormats } from './spec.ts';
import { parseLocation } from './storage/location.ts';
import type { ConfigPath } from './yaml/problems.ts';
import type { Report } from './yaml/report.ts';

/** Reports a text that cannot be one folder or file name. */
export function checkName(value: string | undefined, at: ConfigPath, report: Report): void {
  if (value !== undefined) tell(nameProblem(value), value, at, report);
}

/** Text for people: anything but empty. */
export function checkLabel(value: string | undefined, at: ConfigPath, report: Report): void {
  if (value?.trim() === '') report.invalid(at, `${at.at(-1)} must not be empty`);
}

export function checkVersion(version: number | undefined, report: Report): void {
  if (version === undefined || CONFIG_VERSIONS.some((known) => known === version)) return;
  const at = ['config_version'];
  report.invalid(
    at,
    `config_version must be one of ${CONFIG_VERSIONS.join(', ')}, got ${report.show(at, version)}`,
  );
}

/** Reports an empty list, and what of it cannot be a folder name or stands twice. */
export function checkNames(values: readonly unknown[] | undefined, at: ConfigPath, report: Report): void {
  if (values === undefined) return;
  if (values.length === 0) report.invalid(at, `${at.at(-1)} must not be empty`);
  values.forEach((value, index) => {
    const here = [...at, index];
    if (typeof value !== 'string') return;
    const problem = nameProblem(value);
    if (problem !== undefined) report.invalid(here, `a name ${problem}, got ${report.show(here, value)}`);
    else if (values.indexOf(value) !== index)
      report.invalid(here, `${report.show(here, value)} stands twice`);
  });
}

/** Reports a text that cannot be the left side of a `name=value` folder. */
export function checkPartitionName(value: string | undefined, at: ConfigPath, report: Report): void {
  if (value !== undefined) tell(partitionNameProblem(value), value, at, report);
}

function tell(problem: string | undefined, value: string, at: ConfigPath, report: Report): void {
  if (problem !== undefined) report.invalid(at, `${at.at(-1)} ${problem}, got ${report.show(at, value)}`);
}

export function checkTimezone(value: string | undefined, at: ConfigPath, report: Report): void {
  if (value === undefined || isTimezone(value)) return;
  report.invalid(at, `${report.show(at, value)} is not an IANA time zone such as Europe/Berlin or UTC`);
}

/** Reports empty and repeated column names, and an empty list where it makes no sense. */
export function checkColumns(
  columns: readonly unknown[] | undefined,
  at: ConfigPath,
  report: Report,
  options: { readonly atLeastOne: boolean },
): void {
  if (columns === undefined) return;
  if (columns.length === 0 && options.atLeastOne) report.invalid(at, `${at.at(-1)} must not be empty`);
  const seen = new Set<unknown>();
  columns.forEach((column, index) => {
    const here = [...at, index];
    if (typeof column === 'string' && column.trim() === '')
      report.invalid(here, 'a column name must not be empty');
    else if (seen.has(column)) report.invalid(here, `the column ${report.show(here, column)} stands twice`);
    seen.add(column);
  });
}

/** A folder as written; empty is refused. */
export function checkFolder(value: string | undefined, at: ConfigPath, report: Report): void {
  if (value === undefined) return;
  if (value.trim() === '') report.invalid(at, `${at.at(-1)} must not be empty`);
  else if (value.includes('\u0000')) report.invalid(at, `${at.at(-1)} must not contain control characters`);
  else {
    const location = parseLocation(value);
    if ('problem' in location) report.invalid(at, `${report.show(at, value)}: ${location.problem}`);
  }
}

/** Parquet on, CSV off, unless configured; see the decision on formats. */
export function outputFormats(
  writeParquet: boolean | undefined,
  writeCsv: boolean | undefined,
  codec: Compression | undefined,
): OutputFormats {
  return { parquet: writeParquet ?? true, csv: writeCsv ?? false, compression: codec ?? 'snappy' };
}

export function checkFormats(formats: OutputFormats, at: ConfigPath, report: Report): void {
  if (!formats.parquet && !formats.csv) {
    report.invalid(at, 'no output format is left: Parquet and CSV are both off', 'key');
  }
}
