import type { DataType } from '../../core/schema.ts';

export const DATABASE_ENGINES = ['postgres', 'mysql', 'mssql'] as const;
export type DatabaseEngine = (typeof DATABASE_ENGINES)[number];

/** What is read: a query as written (with its placeholders), or a table. */
export type DatabaseQuery =
  | { readonly kind: 'query'; readonly sql: string }
  /** `names` are the parts of a qualified name; `columns` absent: all of them. */
  | { readonly kind: 'table'; readonly names: readonly string[]; readonly columns?: readonly string[] };

export interface DatabaseSourceSpec {
  readonly type: 'db';
  /** The environment variable that holds the connection string. */
  readonly connectionEnv: string;
  /** Absent: known from the connection string. */
  readonly driver?: DatabaseEngine;
  readonly query: DatabaseQuery;
  /** Values of placeholders that the config names itself. */
  readonly params: Readonly<Record<string, string>>;
  /** Types instead of the ones that follow from the database's; `string` keeps the database's own text. */
  readonly types: Readonly<Record<string, DataType>>;
  /** Numbers of unlimited or more than 38 digits: as text, or refused. */
  readonly wideDecimals: 'text' | 'fail';
  /** Spatial values: as well-known binary, or as well-known text. */
  readonly geometry: 'wkb' | 'wkt';
  /** IANA zone of the source's times without a zone, which land as instants then; absent: they stay as they are. */
  readonly timezone?: string;
  /** Rows that a server-side cursor hands over at once, where the driver uses one. */
  readonly fetchRows: number;
  readonly connectTimeoutSeconds: number;
  /** Of one statement; absent: the server's own limit. */
  readonly statementTimeoutSeconds?: number;
  readonly lockTimeoutSeconds?: number;
  readonly applicationName: string;
  /** Connections, and tries of a whole read, before a lost connection is a failure. */
  readonly maxAttempts: number;
  readonly split: SplitSpec;
  readonly limitRows?: number;
}

/** How a read is split into chunks, each a part of its own. */
export interface SplitSpec {
  /** Chunks that are read at once. */
  readonly workers: number;
  /** The column whose ranges the chunks are; absent: the physical place of the rows, or the primary key. */
  readonly column?: string;
  /** Rows of a chunk, about; absent: a chunk for each worker. */
  readonly chunkRows?: number;
  readonly chunkDelayMs: number;
  /** All chunks in one snapshot of the database, or each in a short transaction of its own. */
  readonly consistency: 'snapshot' | 'chunk';
}
