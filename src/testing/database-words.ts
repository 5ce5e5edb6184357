/** A database of a test's own, to write into while foundry reads. */
export interface DatabaseLab {
  readonly url: string;
  /** Creates a table; types are words of `DatabaseWords`. */
  create(table: string, columns: Readonly<Record<string, keyof DatabaseWords>>): Promise<void>;
  /** One statement of plain SQL: INSERT, UPDATE or DELETE. */
  run(sql: string): Promise<void>;
  drop(): Promise<void>;
}

/** How the database calls what the suite needs. */
export interface DatabaseWords {
  readonly integer: string;
  readonly decimal: string;
  /** With its full precision, without a zone. */
  readonly timestamp: string;
  /** Compared without regard to case, where `foldsCase` says so. */
  readonly text: string;
}
