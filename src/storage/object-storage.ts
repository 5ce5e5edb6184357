import { open } from 'node:fs/promises';
import { type Conditions, openConditions } from './conditions.ts';
import { storageFailure } from './failure.ts';
import { checkKey, PRIVATE_FOLDER } from './keys.ts';
import type { ObjectApi } from './object-api.ts';
import { failureKind, type ObjectContext, objectCalls } from './object-calls.ts';
import { listObjects } from './object-list.ts';
import { putObject, type Uploader } from './object-put.ts';
import { cutShort, readObject } from './object-read.ts';
import type { Storage, StoredObject } from './storage.ts';
import { turns } from './turns.ts';

/** Bodies under way at a time, whatever they belong to: what bounds memory. */
const BODIES = 8;

export interface ObjectPlace {
  /** As people write it: `s3://bucket/prefix`. */
  readonly uri: string;
  /** Before every key; `''` or without a trailing slash. */
  readonly prefix: string;
  /** Of the prefix itself, where it is foundry's own; absent: `.foundry` below it. */
  readonly privateFolder?: string;
}

interface Parts extends Uploader {
  readonly conditions: Conditions;
}

/** A prefix of a bucket or container as a Storage: retries, parts, conditions and names, whatever the store. */
export function objectStorage(
  openApi: () => Promise<ObjectApi>,
  { uri, prefix, privateFolder }: ObjectPlace,
  context: ObjectContext,
): Storage {
  let opened: Promise<Parts> | undefined;
  const nameOf = (key: string): string => (prefix === '' ? key : `${prefix}/${key}`);
  const own = privateFolder ?? nameOf(PRIVATE_FOLDER);
  const uriOf = (name: string): string => `${uri}/${name.slice(prefix === '' ? 0 : prefix.length + 1)}`;
  const nameOfKey = (key: string): string => nameOf(checkKey(key, uri));
  const parts = (): Promise<Parts> =>
    (opened ??= openApi().then((api) => {
      const calls = objectCalls(api, uriOf, context);
      const conditions = openConditions(api, calls, own, uri, context);
      return { api, calls, conditions, bodies: turns(BODIES) };
    }));

  const statKey = async (key: string): Promise<StoredObject | undefined> => {
    const name = nameOfKey(key);
    const { api, calls } = await parts();
    const found = await calls
      .call('stat', name, (signal) => api.head(name, signal))
      .catch((error: unknown) => {
        if (failureKind(error) === 'absent') return undefined;
        throw error;
      });
    return found === undefined ? undefined : { ...found, key };
  };

  return {
    description: uri,
    stat: statKey,
    async *list(folder) {
      if (folder !== '') checkKey(folder, uri);
      const { api, calls } = await parts();
      yield* listObjects(api, calls, { uri, prefix }, folder);
    },
    async readBytes(key) {
      const name = nameOfKey(key);
      const { api, calls } = await parts();
      return calls
        .call('download', name, async (signal) => {
          const { body, etag, sizeBytes } = await api.get(name, undefined, undefined, signal);
          const chunks = await Array.fromAsync(body);
          const bytes = Buffer.concat(chunks);
          if (bytes.length !== sizeBytes) throw cutShort(bytes.length, sizeBytes);
          return { bytes, etag };
        })
        .catch((error: unknown) => {
          if (failureKind(error) === 'absent') return undefined;
          throw error;
        });
    },
    async *read(key, range) {
      const name = nameOfKey(key);
      const { api, calls } = await parts();
      yield* readObject(api, calls, name, range);
    },
    async download(key, file) {
      const name = nameOfKey(key);
      const { api, calls } = await parts();
      await writeStream(readObject(api, calls, name, undefined), file);
    },
    async put(key, body, condition) {
      const name = nameOfKey(key);
      const open = await parts();
      const put = (): Promise<StoredObject> => putObject(open, name, key, body, condition);
      if (condition === undefined || (await open.conditions.areHonoured())) return put();
      return open.conditions.emulate(name, key, condition, () => putObject(open, name, key, body, undefined));
    },
    own: () =>
      objectStorage(openApi, { uri: `${uri}/${PRIVATE_FOLDER}`, prefix: own, privateFolder: own }, context),
    uploads: {
      async *list(folder) {
        const { api, calls } = await parts();
        const below = folder === '' ? '' : `${nameOfKey(folder)}/`;
        const prefixed = below === '' && prefix !== '' ? `${prefix}/` : below;
        for await (const upload of api.parts.unfinished?.(prefixed, calls.signal) ?? [])
          yield { ...upload, name: upload.name.slice(prefix === '' ? 0 : prefix.length + 1) };
      },
      async abort({ name, upload }) {
        const { api, calls } = await parts();
        await calls.call('delete', nameOf(name), (signal) => api.parts.abort(nameOf(name), upload, signal));
      },
    },
    async remove(key) {
      const name = nameOfKey(key);
      const { api, calls } = await parts();
      await calls
        .call('delete', name, (signal) => api.remove(name, signal), { signal: AbortSignal.timeout(60_000) })
        .catch((error: unknown) => {
          if (failureKind(error) !== 'absent') throw error;
        });
    },
  };
}

async function writeStream(chunks: AsyncIterable<Uint8Array>, file: string): Promise<void> {
  let handle: Awaited<ReturnType<typeof open>> | undefined;
  try {
    for await (const chunk of chunks) {
      try {
        handle ??= await open(file, 'w');
        await handle.writeFile(chunk);
      } catch (error) {
        throw storageFailure('write', file, error);
      }
    }
    handle ??= await open(file, 'w');
  } finally {
    await handle?.close();
  }
}
