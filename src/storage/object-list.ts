import { FoundryError } from '../core/errors.ts';
import { compareKeys, PRIVATE_FOLDER } from './keys.ts';
import type { ObjectApi } from './object-api.ts';
import type { Calls } from './object-calls.ts';
import type { StoredObject } from './storage.ts';

/**
 * Everything below a folder, page by page, sorted; the store's own order where it has one.
 * @throws STG001 for a listing that is out of order or goes in circles: it could not be complete.
 */
export async function* listObjects(
  api: ObjectApi,
  calls: Calls,
  { uri, prefix }: { readonly uri: string; readonly prefix: string },
  folder: string,
): AsyncGenerator<StoredObject> {
  const below = [prefix, folder]
    .filter((part) => part !== '')
    .map((part) => `${part}/`)
    .join('');
  const isPrivate = (key: string): boolean => key.startsWith(`${PRIVATE_FOLDER}/`);
  const seen = new Set<string>();
  const gathered: StoredObject[] = [];
  let last: string | undefined;
  let token: string | undefined;
  do {
    const page = await calls.call('list', below, (signal) => api.listPage(below, token, signal));
    for (const object of page.objects) {
      const key = object.key.slice(prefix === '' ? 0 : prefix.length + 1);
      // What ends in a slash is how consoles show an empty folder.
      if (isPrivate(key) || key.endsWith('/') || !object.key.startsWith(below)) continue;
      if (!api.isSorted) {
        gathered.push({ ...object, key });
        continue;
      }
      if (last !== undefined && compareKeys(last, key) >= 0) {
        throw new FoundryError('STG001', `the listing of ${uri}/${folder} is out of order after ${last}`, {
          hint: 'This store does not list by name, as S3 does; foundry cannot tell whether its listings are complete.',
        });
      }
      last = key;
      yield { ...object, key };
    }
    token = page.next;
    if (token !== undefined && seen.has(token)) {
      throw new FoundryError('STG001', `the listing of ${uri}/${folder} goes in circles`);
    }
    if (token !== undefined) seen.add(token);
  } while (token !== undefined);
  yield* gathered.sort((a, b) => compareKeys(a.key, b.key));
}
