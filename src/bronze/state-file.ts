import { readFile } from 'node:fs/promises';
import { FoundryError, messageOf } from '../core/errors.ts';
import { errnoOf } from '../storage/failure.ts';

/**
 * The cursor in a state file of the original, `{"cursor": "…", "last_run": "…"}`; undefined where it holds none.
 * @param options.required whether a missing file is an error
 * @throws STATE001 when the file cannot be read, or is no such JSON: beginning anew without a word would land all rows
 * twice.
 */
export async function readStateFile(
  path: string,
  { required }: { readonly required: boolean },
): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && !required) return undefined;
    throw refused(path, messageOf(error), error);
  }
  let content: unknown;
  try {
    content = JSON.parse(text, (_key, value, context?: { source?: string }) =>
      typeof value === 'number' ? (context?.source ?? String(value)) : value,
    );
  } catch (error) {
    throw refused(path, messageOf(error), error);
  }
  const cursor =
    typeof content === 'object' && content !== null && 'cursor' in content ? content.cursor : undefined;
  if (cursor === null) return undefined;
  if (typeof cursor === 'string' && cursor !== '') return cursor;
  throw refused(path, 'it has no text or number "cursor"');
}

function refused(path: string, why: string, cause?: unknown): FoundryError {
  return new FoundryError('STATE001', `the state file ${path} cannot be used: ${why}`, {
    hint: 'Mend it, or remove it to begin at the initial value.',
    ...(cause !== undefined && { cause }),
  });
}
