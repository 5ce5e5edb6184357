import { Database } from 'bun:sqlite';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { FoundryError, throwIfStopped } from '../core/errors.ts';
import { errnoOf, storageFailure } from './failure.ts';

/** How long a holder that did not say who it is may take to do so before it is reported without a name. */
const NOTE_WAIT_MS = 500;

/** Who holds a lock; for messages only, the kernel alone decides whether it is held. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly command: string;
}

export interface FileLock {
  /** Idempotent. */
  release(): void;
}

export interface LockOptions {
  /** Gives up after this many milliseconds; 0 tries once. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** What is locked, for the message: `the dataset "sales.orders"`. */
  readonly what: string;
  /** Leaves the owner's pid, host and command beside the lock; for locks held longer than an instant. */
  readonly announce?: boolean;
}

/**
 * Takes an exclusive lock on a file, or returns undefined while another process (or another caller in this one)
 * holds it. The lock is SQLite's own file lock, which the kernel frees when its owner dies, however it dies.
 * The lock file stays: removing it would let two owners hold two files of one name.
 *
 * @throws STG001 when the file system cannot lock or the file cannot be written.
 */
export function tryLock(file: string, announce = false): FileLock | undefined {
  let database: Database | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true });
    database = new Database(file, { create: true, readwrite: true });
    database.run('PRAGMA busy_timeout = 0');
    // Nothing is ever written, so no journal has to lie beside the lock.
    database.run('PRAGMA journal_mode = MEMORY');
    database.run('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (isBusy(error)) return undefined;
    throw storageFailure('lock', file, error);
  }
  const held = database;
  if (announce) announceOwner(file);
  let released = false;
  return {
    release() {
      if (released) return;
      released = true;
      if (announce) forgetOwner(file);
      held.run('ROLLBACK');
      held.close();
    },
  };
}

/** @throws LOCK001 naming the holder when the lock stays held; INT001 when stopped; STG001. */
export async function lock(file: string, options: LockOptions): Promise<FileLock> {
  const deadline = performance.now() + options.waitMs;
  for (;;) {
    throwIfStopped(options.signal);
    const held = tryLock(file, options.announce);
    if (held !== undefined) return held;
    const left = deadline - performance.now();
    // An owner that has only just begun, or is about to end, has no note to be named by.
    const mayBeNamed = options.announce === true && left > -NOTE_WAIT_MS && lockOwner(file) === undefined;
    if (left <= 0 && !mayBeNamed) throw lockHeld(file, options.what);
    const pause = 5 + Math.random() * 20;
    await Bun.sleep(left <= 0 ? pause : Math.min(left, pause));
  }
}

/** Undefined when nobody announced itself, the note is not whole, or a process that died left it. */
export function lockOwner(file: string): LockOwner | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(ownerFile(file), 'utf8'));
    return isOwner(owner) && mayLive(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

function mayLive(owner: LockOwner): boolean {
  return owner.host !== hostname() || isRunning(owner.pid);
}

/** Of this host; true also for a process that this user may not look at. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

function lockHeld(file: string, what: string): FoundryError {
  const owner = lockOwner(file);
  const holder =
    owner === undefined
      ? 'by another run'
      : `by process ${owner.pid} on ${owner.host} since ${owner.since} (${owner.command})`;
  return new FoundryError('LOCK001', `${what} is held ${holder}`, {
    details: { pid: owner?.pid, host: owner?.host, since: owner?.since },
  });
}

function ownerFile(file: string): string {
  return `${file}.owner.json`;
}

/** A note that cannot be written does not weaken the lock. */
function announceOwner(file: string): void {
  const owner: LockOwner = {
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    command: process.argv[2] === undefined ? 'foundry' : `foundry ${process.argv[2]}`,
  };
  try {
    // Named only when it is whole: whoever is turned away may read it at any instant.
    const draft = `${ownerFile(file)}.tmp`;
    writeFileSync(draft, JSON.stringify(owner));
    renameSync(draft, ownerFile(file));
  } catch {
    forgetOwner(file);
  }
}

/** A note that cannot be removed names a process that is no more, and is written over by the next owner. */
function forgetOwner(file: string): void {
  try {
    rmSync(ownerFile(file), { force: true });
  } catch {}
}

function isOwner(value: unknown): value is LockOwner {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'host' in value &&
    typeof value.host === 'string' &&
    'since' in value &&
    typeof value.since === 'string' &&
    'command' in value &&
    typeof value.command === 'string'
  );
}

function isBusy(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('SQLITE_BUSY')
  );
}
