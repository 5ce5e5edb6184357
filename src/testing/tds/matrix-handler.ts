import { MATRIX, type MatrixEntry, matrixColumns, matrixRows } from './matrix.ts';
import type { Answer } from './respond.ts';
import type { Handler } from './server.ts';
import { type Column, sqlType, sqlTypeName } from './sql-type.ts';
import type { TdsValue } from './values.ts';

/**
 * A server whose only table is the matrix, under any name. Columns that the statement casts to text are sent as text,
 * as SQL Server would; all else as they are.
 */
export function matrixHandler(
  entries: readonly MatrixEntry[] = MATRIX,
  nameOf?: (index: number) => string,
): Handler {
  const columns = matrixColumns(entries, nameOf);
  return function* ({ text, procedure }): Generator<Answer> {
    if (procedure !== undefined) yield describeColumns(columns);
    else if (/serverproperty/i.test(text)) yield oneText('16.0.1000.6');
    else if (/sys\.databases/i.test(text))
      yield { kind: 'rows', columns: [of('state', 'tinyint')], rows: [['1']] };
    else if (/^\s*begin/i.test(text)) yield { kind: 'transaction', event: 'begun' };
    else if (/rollback/i.test(text)) yield { kind: 'transaction', event: 'rolledBack' };
    else if (/\bselect\b/i.test(text)) yield selected(text, columns, matrixRows(entries));
  };
}

function selected(text: string, columns: readonly Column[], rows: readonly (readonly TdsValue[])[]): Answer {
  const asText = columns.map(
    ({ name }) =>
      text.includes(` varchar(41)) AS [${name}]`) || text.includes(` nvarchar(4000)) AS [${name}]`),
  );
  return {
    kind: 'rows',
    columns: columns.map((column, index) =>
      asText[index] === true ? of(column.name, 'nvarchar(max)') : column,
    ),
    rows: rows.map((row) => row.map((value, index) => (asText[index] === true ? textOf(value) : value))),
  };
}

function textOf(value: TdsValue): TdsValue {
  return value !== null && typeof value === 'object' && 'type' in value ? value.value : value;
}

/** Of all texts, as their bytes are; the database's own is another, whose code page is ASCII as far as the two agree. */
const COLLATION = 'SQL_Latin1_General_CP1_CI_AS';

/** What sp_describe_first_result_set gives, as far as it is used. */
export function describeColumns(columns: readonly Column[]): Answer {
  return {
    kind: 'rows',
    columns: [
      of('is_hidden', 'bit'),
      of('name', 'nvarchar(128)'),
      of('system_type_name', 'nvarchar(256)'),
      of('user_type_name', 'nvarchar(128)'),
      of('collation_name', 'nvarchar(128)'),
    ],
    rows: columns.map(({ name, type }) => {
      const word = sqlTypeName(type);
      return ['0', name, word, null, /char|text/.test(word) ? COLLATION : null];
    }),
  };
}

function oneText(text: string): Answer {
  return { kind: 'rows', columns: [of('text', 'nvarchar(256)')], rows: [[text]] };
}

function of(name: string, type: string): Column {
  return { name, type: sqlType(type), nullable: true };
}
