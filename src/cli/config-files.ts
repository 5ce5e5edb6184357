import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Glob } from 'bun';
import type { ArgsDef } from 'citty';
import { FoundryError } from '../core/errors.ts';
import { commaList } from './flag-values.ts';

/** Config files as arguments: `foundry config validate a.yaml 'more/*.yaml'`. */
export const FILE_ARGS = {
  files: {
    type: 'positional',
    required: false,
    valueHint: 'a.yaml...',
    description: 'Config files, globs, or folders of .yaml and .yml files',
  },
} as const satisfies ArgsDef;

/**
 * The files that arguments and `--config` name, in their order, each once. A path that does not exist is given
 * back as it is: whoever reads it says so.
 *
 * @throws USE001 when none is named, or a glob or folder holds none.
 */
export async function configFiles(
  given: { readonly _?: readonly string[]; readonly config?: string | undefined },
  command: string,
): Promise<string[]> {
  const named = [...(given._ ?? []), ...commaList(given.config)];
  if (named.length === 0) {
    throw new FoundryError('USE001', 'no config file is named', {
      hint: `For example: foundry ${command} orders.yaml`,
    });
  }
  const files: string[] = [];
  for (const path of named) files.push(...(await expand(path)));
  return [...new Set(files)];
}

async function expand(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory())
    return matching(join(path, '*.{yaml,yml}'), `${path} holds no .yaml or .yml file`);
  if (found !== undefined || !/[*?[{]/.test(path)) return [path];
  return matching(path, `no file matches ${path}`);
}

async function matching(pattern: string, otherwise: string): Promise<readonly string[]> {
  const found = await Array.fromAsync(new Glob(pattern).scan({ onlyFiles: true, absolute: false }));
  if (found.length === 0) throw new FoundryError('USE001', otherwise);
  return found.sort();
}
