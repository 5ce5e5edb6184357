import type { StoredObject } from './storage.ts';

/** What an answer tells of an object, whole. @throws where it leaves out what every store tells. */
export function storedObject(
  name: string,
  sizeBytes: number | undefined,
  etag: string | undefined,
  modifiedAt: Date | undefined,
): StoredObject {
  if (sizeBytes === undefined || modifiedAt === undefined)
    throw new Error(`the store did not say how large ${name} is`);
  return { key: name, sizeBytes, etag: unquoted(etag, name), modifiedAt };
}

/** RFC 9110 §8.8.3: an entity tag stands in quotes; those of weak ones count like others here. */
export function quoted(etag: string): string {
  return `"${etag}"`;
}

export function unquoted(etag: string | undefined, name: string): string {
  if (etag === undefined) throw new Error(`the store gave no ETag for ${name}`);
  return etag.replace(/^W\//, '').replace(/^"|"$/g, '');
}
