/** A server that tests talk to: found or installed, started for one test run, stopped after it. */
export interface Service {
  readonly name: string;
  readonly purpose: string;
  /** The variables that its tests read. All of them set beforehand: the servers that they name are used instead. */
  readonly variables: readonly string[];
  /** Whether it could be started here. */
  find(): boolean;
  /** Tries to bring it; throws with the reason where that fails. */
  install(): void;
  /** What a person can do where it is missing. */
  readonly remedy: string;
  /** @param folder an empty folder of the service's own, which is removed when it has stopped. */
  start(folder: string): Promise<RunningService>;
}

export interface RunningService {
  readonly env: Readonly<Record<string, string>>;
  /** Comes back when the process is gone. */
  stop(): Promise<void>;
}
