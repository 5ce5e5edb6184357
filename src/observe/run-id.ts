let id: string | undefined;

/** One per process, in its logs, reports, manifests, records and events; UUID version 7, so that ids sort by time. */
export function runId(): string {
  id ??= Bun.randomUUIDv7();
  return id;
}

/** The eight random digits at the end, for lines that people read. */
export function shortRunId(): string {
  return runId().slice(-8);
}
