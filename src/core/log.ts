/** Where a run tells what it does. Below the CLI nobody knows how lines are printed. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
}

/** Rows and bytes so far, for the progress line; calls are cheap and frequent. */
export interface Progress {
  /** What is under way: `reading`, `writing part 3`, `merging`. */
  step(name: string): void;
  rows(count: number): void;
  bytes(count: number): void;
  /**
   * How much of the step is done, from 0 to 1; it never goes back.
   * @param detail `file 3 of 12`
   */
  share(done: number, detail?: string): void;
}

export const silentLog: Log = { debug() {}, info() {}, warn() {} };
export const noProgress: Progress = { step() {}, rows() {}, bytes() {}, share() {} };
