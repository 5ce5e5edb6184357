import type { DatabaseEngine } from '../../config/database/spec.ts';
import type { DataType } from '../../core/schema.ts';
import type { CursorKind } from '../../table/cursor-order.ts';
import type { CsvBlock, TextForm } from '../engine-input.ts';
import type { ConnectionTarget } from './connection-target.ts';
import type { Dialect } from './dialect.ts';
import type { Statement } from './statement.ts';

/** Cells of one row as text, in the form that their columns name; null is NULL. */
export type TextRow = readonly (string | null)[];

/** A column of a result, and how it is selected so that it arrives in its form. */
export interface ResultColumn {
  readonly name: string;
  /** The database's own name of the type, `numeric(12,2)`; kept in the manifest. */
  readonly sourceType: string;
  readonly type: DataType;
  readonly form: TextForm;
  /**
   * Every cell is a value of the type by the database's own rule: no digits beyond the scale or the microsecond. What
   * can be none all the same (`infinity`, `24:00:00`, years beyond 9999) is found by whoever reads the cells.
   */
  readonly exact: boolean;
  /** SQL that selects the column from `q` in its form, under its own name. */
  readonly select: string;
  /** Absent where the database has no order of its values. */
  readonly order?: ColumnOrder;
}

/** How the database itself compares a column of `q`. */
export interface ColumnOrder {
  readonly kind: CursorKind;
  /** The column as it is compared: bare, so that an index is used, wherever that is the order meant. */
  readonly expression: string;
  /** A bound, of which `place` is the parameter with its canonical text, as a value of the expression's own type. */
  bound(place: string): string;
}

export interface SessionOptions {
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  /** Rows that a server-side cursor gives at once. */
  readonly fetchRows: number;
  /** Stops what runs on the server, then rejects it with INT001. */
  readonly signal: AbortSignal;
}

/** How finely a read is split: a number of chunks, or rows of a chunk, about. */
export type ChunkWish = { readonly chunks: number } | { readonly rows: number };

/** What columns become is decided by these settings. */
export interface TypePolicy {
  readonly types: Readonly<Record<string, DataType>>;
  readonly wideDecimals: 'text' | 'fail';
  readonly geometry: 'wkb' | 'wkt';
  readonly timezone?: string;
  /** A column of texts that is ordered as something else: numbers, dates, timestamps. */
  readonly cursor?: { readonly column: string; readonly kind: CursorKind };
}

/**
 * One connection, read-only, that never connects again by itself: what is lost, is lost with its snapshot. Everything
 * that it throws is a FoundryError: AUTH001, EXT001, INT001, or RETRY001 for what may go away by itself.
 */
export interface Session {
  /** `PostgreSQL 15.18`. */
  readonly server: string;
  /** Opens the one read-only transaction in which all that follows sees one state of the database, where it can. */
  begin(snapshot?: string): Promise<void>;
  /** Ends the transaction. */
  end(): Promise<void>;
  /**
   * Conditions on `q` that split a table by where its rows lie on the server's disk, for `SELECT … FROM <table> q`;
   * undefined for what has no such place (a view). They hold only within one snapshot. Absent: the database has none.
   */
  physicalRanges?(table: readonly string[], chunks: ChunkWish): Promise<readonly string[] | undefined>;
  /** The column of the primary key, where it is one column. */
  primaryKey(table: readonly string[]): Promise<string | undefined>;
  /** A name by which other sessions `begin` with the same state; absent: the database has none. */
  exportSnapshot?(): Promise<string>;
  /**
   * Keeps the tables of a statement that gives no rows as they are until the transaction ends, so that they still are
   * what `describe` says when they are read. Absent: what was altered meanwhile fails.
   */
  hold?(statement: Statement): Promise<void>;
  /** The columns of a query, without running it. */
  describe(query: Statement, policy: TypePolicy): Promise<readonly ResultColumn[]>;
  /** A small result, each value as the database writes it as text. */
  query(statement: Statement): Promise<readonly TextRow[]>;
  /**
   * A result of any size, in blocks of rows, read only as fast as they are taken; leaving the loop early ends the
   * statement. `select` of the columns is part of the statement.
   */
  rows(statement: Statement): AsyncIterable<readonly TextRow[]>;
  /**
   * The same rows, of so many columns, as text for the engine, where the driver has something faster than `rows`; absent: the
   * frame writes the text from `rows`. The bytes of a block may be another's once the next one is asked for.
   */
  csv?(statement: Statement, columns: number): AsyncIterable<CsvBlock>;
  /** At once, whatever runs; never throws. */
  close(): Promise<void>;
}

/** One database engine. Its file is the only door to its package, which it imports when it first connects. */
export interface Driver {
  readonly engine: DatabaseEngine;
  readonly dialect: Dialect;
  /** @throws AUTH001, EXT001, RETRY001, INT001 */
  connect(target: ConnectionTarget, options: SessionOptions): Promise<Session>;
}
