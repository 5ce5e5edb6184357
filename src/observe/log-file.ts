import { closeSync, fstatSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../core/errors.ts';

export interface LogFile {
  /** Appends one line. Never throws: a log that cannot be written stops no run. */
  write(line: string): void;
}

export interface LogFileOptions {
  /** A line that would make the file longer than this begins a new one. */
  readonly maxBytes: number;
  /** How many full files are kept beside it, as `<path>.1` (the newest) to `<path>.<keep>`. */
  readonly keep: number;
  /** Told once, when a line cannot be written. */
  readonly onFailure: (problem: string) => void;
}

/**
 * A log file that several processes may write: each line is appended in one call, and whoever finds the file full
 * renames it. A process whose file was renamed by another goes on in the new one.
 */
export function openLogFile(path: string, { maxBytes, keep, onFailure }: LogFileOptions): LogFile {
  let file: number | undefined;
  let failed = false;

  const reopen = (): number => {
    if (file !== undefined) closeSync(file);
    file = undefined;
    file = openSync(path, 'a', 0o640);
    return file;
  };

  const current = (): number => {
    if (file === undefined) {
      mkdirSync(dirname(path), { recursive: true });
      return reopen();
    }
    const named = statSync(path, { throwIfNoEntry: false });
    return named?.ino === fstatSync(file).ino ? file : reopen();
  };

  return {
    write(line) {
      try {
        const bytes = Buffer.from(`${line}\n`);
        let open = current();
        const { size } = fstatSync(open);
        if (size > 0 && size + bytes.length > maxBytes) {
          rotate(path, keep);
          open = reopen();
        }
        writeSync(open, bytes);
      } catch (error) {
        if (failed) return;
        // First: what is told is logged, and so comes back here.
        failed = true;
        onFailure(`the log file ${path} cannot be written: ${messageOf(error)}`);
      }
    },
  };
}

function rotate(path: string, keep: number): void {
  for (let n = keep - 1; n >= 1; n -= 1) {
    if (statSync(`${path}.${n}`, { throwIfNoEntry: false }) !== undefined) {
      renameSync(`${path}.${n}`, `${path}.${n + 1}`);
    }
  }
  renameSync(path, `${path}.1`);
}
