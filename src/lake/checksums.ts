import { FoundryError, messageOf } from '../core/errors.ts';
import { keyOf } from './attempt.ts';
import { checksums, jsonBytes, sha256Hex } from './generation.ts';
import type { Lake } from './lake.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME, type Manifest } from './manifest.ts';
import { type Checksums, parseChecksums } from './manifest-schema.ts';

/**
 * Compares `_checksums.json` with a manifest whose files were already verified. Missing, broken or of another commit,
 * it is derived anew; the warnings say so. `replaced`: the partition was committed again meanwhile.
 *
 * @throws SUM001 when it tells of the same commit but of other bytes, or is missing though required.
 */
export async function checkChecksums(
  lake: Lake,
  path: string,
  manifest: Manifest,
  manifestBytes: Uint8Array,
  required: boolean,
): Promise<readonly string[] | 'replaced'> {
  const { storage } = lake;
  const key = keyOf(path, CHECKSUMS_NAME);
  const where = `${storage.description}/${key}`;
  const found = await storage.readBytes(key);
  const stored = found === undefined ? undefined : parsed(found.bytes, where);
  if (stored?.commit_id === manifest.commit_id) {
    refuseTampering(stored, manifest, manifestBytes, where);
    return [];
  }
  const current = await storage.readBytes(keyOf(path, MANIFEST_NAME));
  if (current === undefined || Buffer.compare(current.bytes, manifestBytes) !== 0) return 'replaced';
  const reason =
    found === undefined ? 'is missing' : stored === undefined ? 'is broken' : 'is of another commit';
  if (required && stored === undefined) {
    throw new FoundryError('SUM001', `${where} ${reason}, and checksums are required`);
  }
  try {
    const condition = found === undefined ? 'ifAbsent' : { ifMatch: found.etag };
    await storage.put(key, { bytes: jsonBytes(checksums(manifest, manifestBytes)) }, condition);
    return [`${where} ${reason}; it was rebuilt from ${MANIFEST_NAME}, whose files are intact`];
  } catch (error) {
    return [
      `${where} ${reason} and could not be rebuilt (${messageOf(error)}); the files that the manifest lists are intact`,
    ];
  }
}

function parsed(bytes: Uint8Array, where: string): Checksums | undefined {
  try {
    return parseChecksums(bytes, where);
  } catch {
    return undefined;
  }
}

function refuseTampering(
  stored: Checksums,
  manifest: Manifest,
  manifestBytes: Uint8Array,
  where: string,
): void {
  const entry = (file: { path: string; size_bytes: number; sha256: string }): string =>
    `${file.path}\0${file.size_bytes}\0${file.sha256}`;
  const own = { path: MANIFEST_NAME, size_bytes: manifestBytes.length, sha256: sha256Hex(manifestBytes) };
  const expected = new Set([...manifest.files, own].map(entry));
  const actual = new Set(stored.files.map(entry));
  const differing = [
    ...stored.files.filter((file) => !expected.has(entry(file))),
    ...[...manifest.files, own].filter((file) => !actual.has(entry(file))),
  ];
  if (differing.length === 0) return;
  const names = [...new Set(differing.map((file) => file.path))];
  throw new FoundryError(
    'SUM001',
    `${where} and ${MANIFEST_NAME} are of one commit but disagree on ${names.slice(0, 10).join(', ')}`,
  );
}
