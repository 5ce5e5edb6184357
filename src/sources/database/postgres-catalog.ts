import type { TextRow } from './driver.ts';
import type { CatalogColumn } from './postgres-types.ts';
import type { Statement } from './statement.ts';

/** What the server says of a result's column before anything runs. */
export interface DescribedColumn {
  readonly name: string;
  /** Object id of its type; of a domain, of the type below it. */
  readonly type: number;
  /** The table and the number of the column there, where the result's column is one; else 0. */
  readonly table: number;
  readonly number: number;
}

type Query = (statement: Statement) => Promise<readonly TextRow[]>;

/** Looks up types and, for columns of tables and views, their modifiers: the protocol's own answer leaves them out. */
export async function catalogColumns(
  described: readonly DescribedColumn[],
  query: Query,
): Promise<readonly CatalogColumn[]> {
  const types = await typesOf(described, query);
  const modifiers = await modifiersOf(described, query);
  const hasMoney = described.some(({ type }) => types.get(type)?.typname === 'money');
  const moneyScale = hasMoney ? await scaleOfMoney(query) : 2;
  return described.map(({ name, type, table, number }) => {
    const found = types.get(type) ?? { schema: '', typname: '', typtype: 'p', category: 'X', cast: 'text' };
    const modifier = modifiers.get(`${table}.${number}`);
    return {
      ...found,
      name,
      typmod: modifier?.typmod ?? -1,
      display: modifier?.display ?? found.cast,
      moneyScale,
    };
  });
}

interface TypeRow {
  readonly schema: string;
  readonly typname: string;
  readonly typtype: string;
  readonly category: string;
  readonly cast: string;
}

async function typesOf(
  described: readonly DescribedColumn[],
  query: Query,
): Promise<ReadonlyMap<number, TypeRow>> {
  const oids = [...new Set(described.map(({ type }) => type))];
  const rows = await query({
    sql: `SELECT t.oid::text, n.nspname::text, t.typname::text, t.typtype::text, t.typcategory::text, format_type(t.oid, -1)
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.oid = ANY ($1::text::oid[])`,
    params: [`{${oids.join(',')}}`],
  });
  return new Map(
    rows.map(([oid, schema, typname, typtype, category, cast]) => [
      Number(oid),
      {
        schema: schema ?? '',
        typname: typname ?? '',
        typtype: typtype ?? '',
        category: category ?? '',
        cast: cast ?? 'text',
      },
    ]),
  );
}

/** A column of a domain has the modifier of the domain, or of the domain below that. */
const MODIFIERS = `WITH RECURSIVE wanted AS (
  SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod FROM pg_catalog.pg_attribute a
  JOIN unnest($1::text::oid[], $2::text::int[]) AS w (rel, num) ON a.attrelid = w.rel AND a.attnum = w.num
), chain AS (
  SELECT attrelid, attnum, atttypid AS typ, atttypmod AS mod FROM wanted
  UNION ALL
  SELECT c.attrelid, c.attnum, t.typbasetype, CASE WHEN c.mod = -1 THEN t.typtypmod ELSE c.mod END
  FROM chain c JOIN pg_catalog.pg_type t ON t.oid = c.typ AND t.typtype = 'd'
)
SELECT c.attrelid::text, c.attnum::text, c.mod::text, format_type(c.typ, c.mod), t.typtype::text
FROM chain c JOIN pg_catalog.pg_type t ON t.oid = c.typ WHERE t.typtype <> 'd'`;

interface Modifier {
  readonly typmod: number;
  readonly display: string;
}

async function modifiersOf(
  described: readonly DescribedColumn[],
  query: Query,
): Promise<ReadonlyMap<string, Modifier>> {
  const columns = described.filter(({ table, number }) => table !== 0 && number > 0);
  if (columns.length === 0) return new Map();
  const rows = await query({
    sql: MODIFIERS,
    params: [
      `{${columns.map(({ table }) => table).join(',')}}`,
      `{${columns.map(({ number }) => number).join(',')}}`,
    ],
  });
  return new Map(
    rows.map(([table, number, typmod, display]) => [
      `${table}.${number}`,
      { typmod: Number(typmod), display: display ?? '' },
    ]),
  );
}

/** Two in most databases; `lc_monetary` decides. */
async function scaleOfMoney(query: Query): Promise<number> {
  const [row] = await query({ sql: `SELECT scale('1'::money::numeric)::text`, params: [] });
  return Number(row?.[0] ?? 2);
}
