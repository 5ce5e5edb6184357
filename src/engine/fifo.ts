import { dlopen } from 'bun:ffi';
import { closeSync, constants, openSync, writeSync } from 'node:fs';

/** A named pipe: what is written goes to whoever has opened it for reading, and never to a disk. */
export interface Fifo {
  readonly path: string;
  /**
   * Comes back when the bytes are in the pipe. Waits for a reader, which may come later; `isAlive` false ends the
   * waiting for one that is gone, or will never come.
   */
  write(bytes: Uint8Array, isAlive: () => boolean): Promise<void>;
  /** The reader sees the end once it has read everything. Waits for a reader as `write` does. */
  close(isAlive: () => boolean): Promise<void>;
}

interface Calls {
  mkfifo(path: Uint8Array, mode: number): number;
  /** Only on Linux. */
  enlarge?(fd: number): void;
}

const POLL_MS = 1;
const PIPE_BYTES = 1024 * 1024;
const F_SETPIPE_SZ = 1031;

/** Undefined where the platform has no named pipes. The path must be free. */
export function createFifo(path: string): Fifo | undefined {
  const calls = systemCalls();
  if (calls === undefined || calls.mkfifo(Buffer.from(`${path}\0`), 0o600) !== 0) return undefined;
  let fd: number | 'closed' | undefined;
  const open = async (isAlive: () => boolean): Promise<void> => {
    fd ??= await openForWriting(path, isAlive);
    if (typeof fd === 'number') calls.enlarge?.(fd);
  };
  return {
    path,
    async write(bytes, isAlive) {
      if (fd === undefined) await open(isAlive);
      for (let at = 0; at < bytes.length && typeof fd === 'number' && isAlive(); ) {
        const written = writeSome(fd, bytes, at);
        if (written === 'unread') return;
        at += written;
        if (written === 0) await Bun.sleep(POLL_MS);
      }
    },
    async close(isAlive) {
      // A reader that has opened the pipe, or is about to, waits until a writer has come and gone.
      if (fd === undefined) await open(isAlive);
      if (typeof fd === 'number') closeSync(fd);
      fd = 'closed';
    },
  };
}

/**
 * Bytes that are written before there is a reader would be lost with their writer, so that the reader waited for ever:
 * opening for writing only, without waiting, is refused (ENXIO) until somebody reads or waits to. See fifo(7).
 */
async function openForWriting(path: string, isAlive: () => boolean): Promise<number | undefined> {
  while (isAlive()) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (codeOf(error) !== 'ENXIO') throw error;
      await Bun.sleep(POLL_MS);
    }
  }
  return undefined;
}

/** `unread`: the reader has gone; what it made of the rest, it says itself. */
function writeSome(fd: number, bytes: Uint8Array, at: number): number | 'unread' {
  try {
    return writeSync(fd, bytes, at, bytes.length - at);
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return 0;
    if (codeOf(error) === 'EPIPE') return 'unread';
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

let opened: { readonly calls: Calls | undefined } | undefined;

function systemCalls(): Calls | undefined {
  opened ??= { calls: openCalls() };
  return opened.calls;
}

function openCalls(): Calls | undefined {
  const cpu = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const names =
    process.platform === 'linux'
      ? ['libc.so.6', `libc.musl-${cpu}.so.1`, 'libc.so']
      : process.platform === 'darwin'
        ? ['libSystem.dylib']
        : [];
  for (const name of names) {
    try {
      const { symbols } = dlopen(name, {
        mkfifo: { args: ['ptr', 'u32'], returns: 'i32' },
        fcntl: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
      });
      return {
        mkfifo: (path, mode) => symbols.mkfifo(path, mode),
        // A larger pipe means fewer waits; a refusal costs nothing else.
        ...(process.platform === 'linux' && {
          enlarge: (fd: number) => void symbols.fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES),
        }),
      };
    } catch {
      // Another name of the C library.
    }
  }
  return undefined;
}
