import type { Storage } from '../storage/storage.ts';

export type Fault = 'before' | 'after';

/** Fails the nth changing or reading call, before it does anything or after it did everything. */
export interface FaultyStorage extends Storage {
  /** How many calls were made so far. */
  calls(): number;
}

export function faultyStorage(
  storage: Storage,
  failing: { readonly call: number; readonly when: Fault },
): FaultyStorage {
  let made = 0;
  const through = async <T>(work: () => Promise<T>): Promise<T> => {
    made += 1;
    const fails = made === failing.call;
    if (fails && failing.when === 'before') throw new Error(`injected before call ${made}`);
    const result = await work();
    if (fails) throw new Error(`injected after call ${made}`);
    return result;
  };
  return {
    description: storage.description,
    calls: () => made,
    list: (prefix) => storage.list(prefix),
    stat: (key) => through(() => storage.stat(key)),
    readBytes: (key) => through(() => storage.readBytes(key)),
    async *read(key, range) {
      yield* await through(async () => storage.read(key, range));
    },
    download: (key, file) => through(() => storage.download(key, file)),
    put: (key, body, condition) => through(() => storage.put(key, body, condition)),
    remove: (key) => through(() => storage.remove(key)),
  };
}
