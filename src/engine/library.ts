import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { FoundryError, messageOf } from '../core/errors.ts';

/*
 * The compiled binary carries the engine's native library inside itself; the system can only load it from a
 * real file. Everything here is synchronous, because the engine's package asks for its binding by `require`.
 */

export interface EmbeddedFile {
  readonly name: string;
  readonly size: number;
  read(): Uint8Array;
}

/** `files[0]` is the addon to load; the others are the libraries it looks for in its own folder. */
export interface EmbeddedLibrary {
  /** Names the folder; differs whenever any file's bytes do. */
  readonly hash: string;
  readonly files: readonly [EmbeddedFile, ...EmbeddedFile[]];
}

/** What unpacking asks of the machine; replaced in tests. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly temporary: string;
  /** Undefined where files have no numeric owner (Windows). */
  readonly uid: number | undefined;
  load(addon: string): unknown;
}

interface Candidate {
  readonly folder: string;
  /** Chosen by the operator: it may be shared, as container volumes are; what we create in it is private still. */
  readonly explicit: boolean;
}

const GROUP_OR_WORLD_WRITABLE = 0o022;
const ROOT = 0;

export function thisHost(): Host {
  return {
    env: process.env,
    home: homedir(),
    temporary: tmpdir(),
    uid: process.getuid?.(),
    load: (addon) => {
      const module: { exports: unknown } = { exports: {} };
      process.dlopen(module, addon);
      return module.exports;
    },
  };
}

/** The folders that may hold the library, best first. FOUNDRY_CACHE_DIR, where set, is the only one. */
export function cacheFolders(host: Host): readonly Candidate[] {
  const chosen = host.env.FOUNDRY_CACHE_DIR;
  if (chosen !== undefined && chosen !== '') return [{ folder: chosen, explicit: true }];
  const xdg = host.env.XDG_CACHE_HOME ?? '';
  const folders = [
    ...(isAbsolute(xdg) ? [join(xdg, 'foundry')] : []),
    ...(isAbsolute(host.home) ? [join(host.home, '.cache', 'foundry')] : []),
    join(host.temporary, `foundry-${host.uid ?? 'cache'}`),
  ];
  return [...new Set(folders)].map((folder) => ({ folder, explicit: false }));
}

/**
 * Unpacks the library where it is not yet, and loads it.
 * @returns what the addon exports.
 * @throws ENG001 naming every folder tried and why it would not do.
 */
export function loadLibrary(library: EmbeddedLibrary, host: Host = thisHost()): unknown {
  const refusals: string[] = [];
  for (const candidate of cacheFolders(host)) {
    try {
      return host.load(unpack(library, candidate, host.uid));
    } catch (error) {
      refusals.push(`${candidate.folder}: ${messageOf(error)}`);
    }
  }
  throw new FoundryError(
    'ENG001',
    `the embedded engine's library could not be unpacked and loaded from any folder; ${refusals.join('; ')}`,
  );
}

/** @returns the path of the addon, whole and private, below the candidate folder. */
function unpack(library: EmbeddedLibrary, candidate: Candidate, uid: number | undefined): string {
  const folder = join(candidate.folder, `engine-${library.hash}`);
  const addon = join(folder, library.files[0].name);
  if (!candidate.explicit && exists(candidate.folder)) requirePrivateFolder(candidate.folder, uid);
  if (exists(folder)) requirePrivateFolder(folder, uid);
  if (library.files.some((file) => !isWhole(folder, file, uid))) {
    mkdirSync(candidate.folder, { recursive: true, mode: 0o700 });
    if (!candidate.explicit) requirePrivateFolder(candidate.folder, uid);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    requirePrivateFolder(folder, uid);
    removeAbandoned(folder);
    for (const file of library.files) {
      if (!isWhole(folder, file, uid)) writeWhole(folder, file);
      // Seen on the small addon already, so that the large library is not left behind on such a mount.
      requireExecutable(join(folder, file.name));
    }
    syncFolder(folder);
  }
  requireExecutable(addon);
  return addon;
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Whoever can write to the folder decides what this process executes: only this user and root may. */
function requirePrivateFolder(path: string, uid: number | undefined): void {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) throw new Error(`${path} is a symbolic link, which another user may have set`);
  if (!found.isDirectory()) throw new Error(`${path} is not a folder`);
  if (uid === undefined) return;
  if (found.uid !== uid && found.uid !== ROOT) {
    throw new Error(`${path} belongs to another user (uid ${found.uid}, this is ${uid})`);
  }
  if ((found.mode & GROUP_OR_WORLD_WRITABLE) !== 0) {
    throw new Error(`${path} can be written by other users (mode ${(found.mode & 0o777).toString(8)})`);
  }
}

/** Size is enough: the name carries the hash of the bytes, and only synced files were ever renamed to it. */
function isWhole(folder: string, file: EmbeddedFile, uid: number | undefined): boolean {
  const found = lstatSync(join(folder, file.name), { throwIfNoEntry: false });
  if (found === undefined || !found.isFile() || found.size !== file.size) return false;
  return uid === undefined || found.uid === uid || found.uid === ROOT;
}

function writeWhole(folder: string, file: EmbeddedFile): void {
  const target = join(folder, file.name);
  const temporary = `${target}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const bytes = file.read();
    const descriptor = openSync(temporary, 'wx', 0o700);
    try {
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    // Another first run finished the same file, or on Windows holds it loaded: both are what was wanted.
    if (statSync(target, { throwIfNoEntry: false })?.size !== file.size) throw error;
  }
}

/** access(2) refuses execution on a noexec mount even to root, before anything large is written there. */
function requireExecutable(path: string): void {
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    throw new Error('files there cannot be executed (is it mounted noexec?)', { cause: error });
  }
}

/** Removes what killed first runs left half written. */
function removeAbandoned(folder: string): void {
  for (const name of readdirSync(folder)) {
    const owner = /\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) rmSync(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
