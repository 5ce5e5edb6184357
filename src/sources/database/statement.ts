/**
 * SQL with places that the dialect rendered, and the texts that belong there, in order. The values never
 * become part of the SQL.
 */
export interface Statement {
  readonly sql: string;
  readonly params: readonly string[];
}
