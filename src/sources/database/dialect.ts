import type { DatabaseEngine } from '../../config/database/spec.ts';
import type { Lexis } from '../../config/database/sql-text.ts';
import type { CursorKind } from '../../table/cursor-order.ts';

/** How one database writes what foundry asks; all of it pure. What comes from data is bound, names are quoted here. */
export interface Dialect {
  readonly engine: DatabaseEngine;
  readonly lexis: Lexis;
  /** `"a""b"`, `` `a` ``, `[a]`. @throws DATA001 for a name with a NUL character. */
  identifier(name: string): string;
  /** The place of parameter n, from 1: `$1`, `?`, `@p1`. Every place has a number of its own. */
  placeholder(n: number): string;
  /**
   * A query as the table `q` of another, whose `FROM` this is; `before` stands at the very beginning (`WITH …` of SQL
   * Server). The query is one statement that ends with its last token; a comment may follow a line of it.
   */
  wrap(query: string): { readonly before: string; readonly from: string };
  /** Counts rows, also beyond 2^31 of them. */
  readonly rowCount: string;
  /** The first rows of `SELECT <select> <rest>`: `… LIMIT n`, `SELECT TOP (n) …`. */
  limit(select: string, rest: string, rows: number): string;
  /** The one row behind so many of `SELECT <select> <rest>`, which is ordered; the server passes over those. */
  nth(select: string, rest: string, before: number): string;
  /** SQL that gives the server's time as canonical text of the kind, for `:until`; undefined for other kinds. */
  now(kind: CursorKind): string | undefined;
  /** A cursor's value as `:since` and `:until` have it; absent: as the commit has it. */
  cursorText?(value: string): string;
}
