import { dlopen, read } from 'bun:ffi';
import { constants } from 'node:os';
import { storageFailure } from './failure.ts';

/** `done`, or why the call did nothing: `unsupported` by this platform or file system, or the errno. */
type Renamed = 'done' | 'unsupported' | { readonly errno: number };

interface Renamer {
  /** Swaps two existing folders in one step. */
  swap(from: string, to: string): Renamed;
  /** Gives `from` the name `to` unless that exists. */
  move(from: string, to: string): Renamed;
}

const ENOENT = 2;
const EEXIST = 17;
const ENOTEMPTY = { linux: 39, darwin: 66 } as const;
/** EXDEV, EINVAL, ENOSYS and ENOTSUP: this file system cannot, another way may. */
const UNSUPPORTED: Readonly<Record<string, readonly number[]>> = {
  linux: [18, 22, 38, 95],
  darwin: [18, 22, 45, 78, 102],
};

/**
 * Makes `staged` the folder `live` in one step for any reader; a folder that was there is at `staged` afterwards.
 * False when this platform or file system has no such call; nothing was done then.
 *
 * @throws STG001 on any other failure; nothing was done then either.
 */
export function exchangeFolders(staged: string, live: string): boolean {
  const calls = renamer();
  if (calls === undefined) return false;
  // The live folder may appear or vanish between the two calls.
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const swapped = calls.swap(staged, live);
    if (swapped === 'done') return true;
    if (swapped === 'unsupported') return false;
    if (swapped.errno !== ENOENT) throw failed(staged, live, swapped.errno);
    const moved = calls.move(staged, live);
    if (moved === 'done') return true;
    if (moved === 'unsupported') return false;
    if (!isTaken(moved.errno)) throw failed(staged, live, moved.errno);
  }
  throw failed(staged, live, EEXIST);
}

function isTaken(errno: number): boolean {
  return errno === EEXIST || errno === ENOTEMPTY.linux || errno === ENOTEMPTY.darwin;
}

function failed(staged: string, live: string, errno: number): Error {
  const code =
    Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
  return storageFailure(`exchange ${staged} with`, live, Object.assign(new Error(code), { code }));
}

let opened: { readonly calls: Renamer | undefined } | undefined;

function renamer(): Renamer | undefined {
  opened ??= { calls: openRenamer() };
  return opened.calls;
}

function openRenamer(): Renamer | undefined {
  if (process.platform === 'linux') return linuxRenamer();
  if (process.platform === 'darwin') return darwinRenamer();
  return undefined;
}

const AT_FDCWD = -100;
const LINUX = { noReplace: 1, exchange: 2 } as const;
const SYSCALL: Readonly<Record<string, number>> = { x64: 316, arm64: 276 };

/** Older musl has no `renameat2` of its own, so the system call is made by number there. */
function linuxRenamer(): Renamer | undefined {
  const cpu = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const number = SYSCALL[process.arch];
  for (const name of ['libc.so.6', `libc.musl-${cpu}.so.1`, 'libc.so']) {
    const libc = firstThatOpens(
      () => {
        const { symbols } = dlopen(name, {
          renameat2: { args: ['i32', 'ptr', 'i32', 'ptr', 'u32'], returns: 'i32' },
          __errno_location: { args: [], returns: 'ptr' },
        });
        return {
          errno: symbols.__errno_location,
          call: (from: Buffer, to: Buffer, flags: number) =>
            symbols.renameat2(AT_FDCWD, from, AT_FDCWD, to, flags),
        };
      },
      () => {
        const { symbols } = dlopen(name, {
          syscall: { args: ['i64', 'i64', 'ptr', 'i64', 'ptr', 'i64'], returns: 'i64' },
          __errno_location: { args: [], returns: 'ptr' },
        });
        if (number === undefined) return undefined;
        return {
          errno: symbols.__errno_location,
          call: (from: Buffer, to: Buffer, flags: number) =>
            Number(symbols.syscall(number, AT_FDCWD, from, AT_FDCWD, to, flags)),
        };
      },
    );
    if (libc === undefined) continue;
    return {
      swap: (from, to) => outcome(libc.call(text(from), text(to), LINUX.exchange), libc.errno),
      move: (from, to) => outcome(libc.call(text(from), text(to), LINUX.noReplace), libc.errno),
    };
  }
  return undefined;
}

const DARWIN = { swap: 2, exclusive: 4 } as const;

function darwinRenamer(): Renamer | undefined {
  return firstThatOpens(() => {
    const { symbols } = dlopen('libSystem.B.dylib', {
      renamex_np: { args: ['ptr', 'ptr', 'u32'], returns: 'i32' },
      __error: { args: [], returns: 'ptr' },
    });
    const call = (from: string, to: string, flags: number): Renamed =>
      outcome(symbols.renamex_np(text(from), text(to), flags), symbols.__error);
    return {
      swap: (from: string, to: string) => call(from, to, DARWIN.swap),
      move: (from: string, to: string) => call(from, to, DARWIN.exclusive),
    };
  });
}

/** A library or symbol that is not there throws; that only means: try the next way. */
function firstThatOpens<T>(...ways: readonly (() => T | undefined)[]): T | undefined {
  for (const way of ways) {
    try {
      const result = way();
      if (result !== undefined) return result;
    } catch {}
  }
  return undefined;
}

function outcome(result: number, errnoLocation: () => Parameters<typeof read.i32>[0] | null): Renamed {
  if (result === 0) return 'done';
  const location = errnoLocation();
  const errno = location === null ? 0 : read.i32(location, 0);
  return UNSUPPORTED[process.platform]?.includes(errno) ? 'unsupported' : { errno };
}

function text(path: string): Buffer {
  return Buffer.from(`${path}\0`);
}
