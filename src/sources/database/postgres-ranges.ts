import type { ChunkWish, TextRow } from './driver.ts';
import { postgresDialect } from './postgres-dialect.ts';
import type { Statement } from './statement.ts';

type Query = (statement: Statement) => Promise<readonly TextRow[]>;

/** `"sales"."orders"` as the text of a regclass. */
function regclass(table: readonly string[]): string {
  return table.map((name) => postgresDialect.identifier(name)).join('.');
}

const PAGES = `SELECT c.relkind::text, (pg_relation_size(c.oid) / current_setting('block_size')::int)::text,
  greatest(c.reltuples, 0)::bigint::text, c.relpages::text, current_setting('server_version_num')
FROM pg_catalog.pg_class c WHERE c.oid = $1::text::regclass`;

/** Ranges of pages of an ordinary table; scanned as ranges since PostgreSQL 14, so older servers have none. */
export async function ctidRanges(
  query: Query,
  table: readonly string[],
  wish: ChunkWish,
): Promise<readonly string[] | undefined> {
  const [row] = await query({ sql: PAGES, params: [regclass(table)] });
  const [kind, pagesText, rowsText, knownPages, version] = row ?? [];
  if ((kind !== 'r' && kind !== 'm') || Number(version) < 140_000) return undefined;
  const pages = Number(pagesText);
  const rowsAPage = Number(knownPages) > 0 ? Math.max(1, Number(rowsText) / Number(knownPages)) : 50;
  const each = 'chunks' in wish ? Math.ceil(pages / wish.chunks) : Math.ceil(wish.rows / rowsAPage);
  const step = Math.max(1, each);
  const starts = Array.from({ length: Math.max(1, Math.ceil(pages / step)) }, (_, index) => index * step);
  return starts.map((start, index) => {
    const from = start === 0 ? [] : [`q.ctid >= '(${start},0)'::tid`];
    // The last range is open: the table may have grown since its size was asked for.
    const to = index === starts.length - 1 ? [] : [`q.ctid < '(${start + step},0)'::tid`];
    return [...from, ...to].join(' AND ') || 'true';
  });
}

const PRIMARY_KEY = `SELECT a.attname::text FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = $1::text::regclass AND i.indisprimary`;

/** Undefined where there is none, or one of several columns. */
export async function primaryKeyOf(query: Query, table: readonly string[]): Promise<string | undefined> {
  const rows = await query({ sql: PRIMARY_KEY, params: [regclass(table)] });
  return rows.length === 1 ? (rows[0]?.[0] ?? undefined) : undefined;
}
