import type * as v from 'valibot';
import { checkColumns } from '../rules.ts';
import type { ColumnShaping } from '../spec.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import { checkColumnTypes, columnTypes } from './column-types.ts';
import type { silverOptions } from './schema.ts';

type Entries = Pick<typeof silverOptions, 'schema' | 'normalization' | 'types'>;
type Shaping = { readonly [K in keyof Entries]?: v.InferOutput<Entries[K]> };

/** The rules of renaming, ordering and typing columns. */
export function checkShaping(silver: Partly<Shaping>, at: ConfigPath, report: Report): void {
  const schema = silver.schema ?? {};
  checkRenames(schema.rename_map ?? {}, [...at, 'schema', 'rename_map'], report);
  checkColumns(schema.column_order, [...at, 'schema', 'column_order'], report, { atLeastOne: false });
  checkColumnTypes(silver.types ?? {}, [...at, 'types'], report);
  checkColumnTypes(schema.types ?? {}, [...at, 'schema', 'types'], report);
  if (silver.types !== undefined && schema.types !== undefined) {
    report.invalid([...at, 'schema', 'types'], 'silver.types says this already; keep one of them', 'key');
  }
}

function checkRenames(
  renames: Readonly<Record<string, string | undefined>>,
  at: ConfigPath,
  report: Report,
): void {
  const sources = new Map<string, string>();
  for (const [from, to] of Object.entries(renames)) {
    if (to === undefined) continue;
    const here = [...at, from];
    const other = sources.get(to);
    if (to.trim() === '') report.invalid(here, 'a column name must not be empty');
    else if (to.includes('\0')) report.invalid(here, 'a column name must not contain a NUL character');
    else if (other !== undefined) report.invalid(here, `${other} is renamed to ${report.show(here, to)} too`);
    else sources.set(to, from);
  }
}

/** Undefined where nothing is to be done. */
export function columnShaping(silver: Shaping): ColumnShaping | undefined {
  const { schema, normalization } = silver;
  const shaping: ColumnShaping = {
    renames: schema?.rename_map ?? {},
    order: schema?.column_order ?? [],
    types: columnTypes(silver.types ?? schema?.types ?? {}),
    trimStrings: normalization?.trim_strings ?? false,
    emptyStringsAsNull: normalization?.empty_strings_as_null ?? false,
  };
  const isIdle =
    Object.keys(shaping.renames).length + shaping.order.length + Object.keys(shaping.types).length === 0 &&
    !shaping.trimStrings &&
    !shaping.emptyStringsAsNull;
  return isIdle ? undefined : shaping;
}
