import { expect } from 'bun:test';
import { parseType } from '../core/schema.ts';
import {
  doubleBits,
  PYTHON,
  quote,
  readWithDuckdb,
  readWithPyarrow,
  type Table,
} from '../scenarios/readers.ts';
import { textCast } from '../table/cast.ts';
import { formatDecimal } from '../table/format.ts';
import type { DatabaseLake } from './database-lake.ts';

/** A column of a table with every type: how it lands, and the texts of its cells, in order of `row_id`. */
export interface MatrixColumn {
  readonly name: string;
  /** Type in the lake, as configs write it. */
  readonly lands: string;
  /** As `table/cast.ts` reads them; binary as hexadecimal digits. */
  readonly texts: readonly (string | null)[];
}

/** Lands the table, and finds the very values with DuckDB and with pyarrow. */
export async function landsExactly(lake: DatabaseLake, columns: readonly MatrixColumn[]): Promise<void> {
  const report = await lake.run('2025-01-01');
  const files = report.files
    .map(({ path }) => `${report.location}/${path}`)
    .filter((file) => file.endsWith('.parquet'));
  expect(files).toHaveLength(1);
  const file = files[0] ?? '';
  checkTable(await readWithDuckdb(`(FROM read_parquet(${quote(file)}) ORDER BY row_id)`), columns);
  if (PYTHON === undefined) return;
  const [table] = await readWithPyarrow([file]);
  if (table === undefined) throw new Error('pyarrow found no table');
  const rows = [...table.rows].sort(
    (a, b) => Number(a.row_id ?? Number.POSITIVE_INFINITY) - Number(b.row_id ?? Number.POSITIVE_INFINITY),
  );
  checkTable({ ...table, rows }, columns);
}

function checkTable(table: Table, columns: readonly MatrixColumn[]): void {
  const lands = ({ lands: type }: MatrixColumn) => (type === 'uuid' || type === 'json' ? 'string' : type);
  expect(columns.map(({ name }) => `${name} ${table.types[name]}`)).toEqual(
    columns.map((column) => `${column.name} ${lands(column)}`),
  );
  for (const column of columns) {
    expect([column.name, table.rows.map((row) => withZero(row[column.name] ?? null))]).toEqual([
      column.name,
      column.texts.map((text) => (text === null ? null : cellOf(column.lands, text))),
    ]);
  }
}

/** DuckDB leaves out the zero before the point where a decimal has no digits there. */
function withZero(text: string | null): string | null {
  return text?.replace(/^(-?)\.(?=\d+$)/, '$10.') ?? null;
}

/** The cell as `Table` shows it. */
function cellOf(lands: string, text: string): string {
  const type = parseType(lands);
  if (type === undefined) throw new Error(`no type: ${lands}`);
  if (type.kind === 'binary') return text.toLowerCase();
  const value = textCast(type)(text);
  if (value === undefined) throw new Error(`${JSON.stringify(text)} is no ${lands}`);
  if (type.kind === 'decimal' && typeof value === 'bigint') return formatDecimal(value, type.scale);
  return type.kind === 'double' ? doubleBits(Number(value)) : String(value);
}
