import { FoundryError, messageOf } from '../core/errors.ts';

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full. Free some space and run again; what was committed before is untouched.',
  EDQUOT: 'The quota of this user is used up. Free some space and run again.',
  EIO: 'The disk reported an I/O error. Check the disk and its mount, then run again.',
  EACCES: 'Give this user the right to read and write there, or configure another folder.',
  EPERM: 'Give this user the right to read and write there, or configure another folder.',
  EROFS: 'The file system is mounted read-only. Configure a folder on a writable one.',
  EMFILE: 'Too many files are open. Raise the limit (ulimit -n) and run again.',
  ENFILE: 'Too many files are open on this host. Run again later, or raise its limit.',
  ENAMETOOLONG: 'Shorten the names or partition values that make up this path.',
  EEXIST: 'Something else has this name. Move it away, or configure another folder.',
  ENOTDIR: 'A file lies where a folder is needed. Move it away, or configure another folder.',
  EISDIR: 'A folder lies where a file is needed. Move it away, or configure another folder.',
  EXDEV: 'A folder of the lake lies on another disk. Keep the whole base on one file system.',
  ESTALE: 'The network file system lost the file. Check its mount, then run again.',
};

const LOCK_ADVICE = 'This user must be able to write there, and the file system must support file locks.';

/** The `code` of a system error (`ENOENT`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** STG001 that says which operation failed on which path, and what to do. Named errors pass unchanged. */
export function storageFailure(operation: string, path: string, error: unknown): Error {
  if (error instanceof FoundryError) return error;
  const code = errnoOf(error);
  const advice = code?.startsWith('SQLITE_') ? LOCK_ADVICE : ADVICE[code ?? ''];
  return new FoundryError('STG001', `could not ${operation} ${path}: ${messageOf(error)}`, {
    details: {
      backend_type: 'local',
      operation: operation.split(' ', 1)[0],
      file_path: path,
      errno: code,
    },
    ...(advice === undefined ? {} : { hint: advice }),
    cause: error,
  });
}
