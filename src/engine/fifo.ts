import { dlopen } from 'bun:ffi';
import { closeSync, constants, openSync, writeSync } from 'node:fs';

/** A named pipe: what is written goes to whoever has opened it for reading, and never to a disk. */
export interface Fifo {
  readonly path: string;
  /** Comes back when the bytes are in the pipe; `isAlive` false ends the waiting for a reader that is gone. */
  write(bytes: Uint8Array, isAlive: () => boolean): Promise<void>;
  /** The reader sees the end once it has read everything. */
  close(): void;
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
  // For reading too: so neither side waits for the other to open it, and writing never blocks a thread.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  calls.enlarge?.(fd);
  let isOpen = true;
  return {
    path,
    async write(bytes, isAlive) {
      for (let at = 0; at < bytes.length && isOpen && isAlive(); ) {
        const written = writeSome(fd, bytes, at);
        at += written;
        if (written === 0) await Bun.sleep(POLL_MS);
      }
    },
    close() {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

function writeSome(fd: number, bytes: Uint8Array, at: number): number {
  try {
    return writeSync(fd, bytes, at, bytes.length - at);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EAGAIN') return 0;
    throw error;
  }
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
