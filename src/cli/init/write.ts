import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FoundryError } from '../../core/errors.ts';

export interface NewFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Writes new files, or none: what is there already and says something else is never replaced unless forced.
 *
 * @returns the paths written; files that were there with the same text are left alone.
 * @throws USE001 naming the first file that is in the way; STG001 when a file cannot be written.
 */
export async function writeNew(files: readonly NewFile[], force: boolean): Promise<string[]> {
  const wanted: NewFile[] = [];
  for (const file of files) {
    const found = await readFile(file.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw new FoundryError('STG001', `${file.path} cannot be looked at: ${error.message}`, {
        cause: error,
      });
    });
    if (found === file.text) continue;
    if (found !== undefined && !force) throw inTheWay(file.path);
    wanted.push(file);
  }
  for (const { path, text } of wanted) {
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { flag: force ? 'w' : 'wx' });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') throw inTheWay(path);
      throw new FoundryError('STG001', `${path} cannot be written: ${message}`, { cause: error });
    }
  }
  return wanted.map((file) => file.path);
}

function inTheWay(path: string): FoundryError {
  return new FoundryError('USE001', `${path} exists already; nothing is written`, {
    hint: 'Name another --output-file, or replace it with --force.',
  });
}
