import { readFile, stat } from 'node:fs/promises';
import { FoundryError, messageOf } from '../../core/errors.ts';
import { ConfigError } from './problems.ts';

const MAX_BYTES = 1024 * 1024;

/** The text of a config file. @throws ConfigError when it is missing, too large or no text. */
export async function readText(path: string): Promise<string> {
  const refuse = (message: string, cause?: unknown): FoundryError =>
    new ConfigError([{ code: 'CFG001', file: path, path: '', message }], { cause });
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw refuse('this is a folder, not a config file');
    if (found.size > MAX_BYTES) throw refuse('this file is too large to be a config (1 MiB at most)');
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof FoundryError) throw error;
    if (error instanceof TypeError) throw refuse('this file is not UTF-8 text', error);
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw refuse('there is no such file', error);
    if (code === 'EACCES' || code === 'EPERM') throw refuse('this file may not be read by this user', error);
    throw refuse(`this file cannot be read: ${messageOf(error)}`, error);
  }
}
