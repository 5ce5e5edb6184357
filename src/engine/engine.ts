/** What the engine may use. */
export interface EngineLimits {
  readonly memoryBytes: number;
  readonly threads: number;
  /** Folder for spilling. The engine uses a folder of its own inside it, which `close` removes. */
  readonly spillFolder: string;
}

/** The embedded SQL engine: one in-memory database, no network, no extensions loaded at run time. */
export interface Engine {
  /** Its limit. */
  readonly memoryBytes: number;
  /** @throws ENG002 out of memory or spill space; EngineError for anything else the engine refuses. */
  execute(sql: string): Promise<void>;
  /** For small results: every row is held in memory. 64-bit integers come as bigint. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  /**
   * For results of any size: blocks of consecutive rows, column by column, with the binding's own values (integers
   * of 64 bits and more as bigint; dates, times, timestamps, decimals and blobs as its classes).
   */
  stream(sql: string): AsyncGenerator<readonly (readonly unknown[])[]>;
  /** How much is done of the statement that runs, from 0 to 1; 0 where nothing runs or the engine cannot tell. */
  progress(): number;
  /** Stops what is running: it rejects with INT001. */
  interrupt(): void;
  /** Another connection to the same database, which shares its limits and runs beside it. */
  fork(): Promise<Engine>;
  close(): Promise<void>;
}
