import { formatBytes } from '../core/bytes.ts';
import type { Progress } from '../core/log.ts';

const REDRAW_MS = 100;
/** A run is told of from its first milliseconds on. */
const NEVER = Number.NEGATIVE_INFINITY;

export interface ProgressLine extends Progress {
  /** Removes the line, before a log line or the report is written. */
  clear(): void;
}

/** One line on a terminal: what, how much of it, rows, bytes. Silent where stderr is piped. */
export function createProgressLine(label: string, stream: NodeJS.WriteStream): ProgressLine {
  let step = '';
  let rows = 0;
  let bytes = 0;
  let done: { readonly share: number; readonly detail: string } | undefined;
  let drawnAt = NEVER;
  let visible = false;
  const startedAt = performance.now();

  const draw = (): void => {
    const now = performance.now();
    if (!stream.isTTY || now - drawnAt < REDRAW_MS) return;
    drawnAt = now;
    const seconds = Math.max(0.001, (now - startedAt) / 1000);
    const facts = [label, step];
    if (done !== undefined) facts.push(`${Math.floor(done.share * 100)}%`, done.detail);
    if (rows > 0) facts.push(`${rows.toLocaleString('en')} rows`);
    // Where a step has a share, its rows were counted before it began.
    if (rows > 0 && done === undefined)
      facts.push(`${Math.round(rows / seconds).toLocaleString('en')} rows/s`);
    if (bytes > 0) facts.push(formatBytes(bytes));
    if (done !== undefined) facts.push(`${Math.round(seconds)} s`);
    const line = facts.filter((fact) => fact !== '').join(' · ');
    stream.write(`\r\u001b[2K${line.slice(0, Math.max(20, (stream.columns || 80) - 1))}`);
    visible = true;
  };

  return {
    step(name) {
      step = name;
      done = undefined;
      drawnAt = NEVER;
      draw();
    },
    rows(count) {
      rows += count;
      draw();
    },
    bytes(count) {
      bytes += count;
      draw();
    },
    share(share, detail = '') {
      done = { share: Math.min(1, Math.max(share, done?.share ?? 0)), detail };
      draw();
    },
    clear() {
      if (visible) stream.write('\r\u001b[2K');
      visible = false;
      drawnAt = NEVER;
    },
  };
}
