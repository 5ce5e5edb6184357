import { createHash } from 'node:crypto';
import { FoundryError, messageOf, throwIfStopped } from '../core/errors.ts';
import { ConditionFailed } from '../storage/storage.ts';
import { inParallel } from '../storage/turns.ts';
import { type Attempt, keyOf, lostRace, readable } from './attempt.ts';
import type { Generation } from './generation.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME, type ManifestFile } from './manifest.ts';

/** Parts under way at a time; what they hold in memory the storage bounds. */
const PARALLEL_PARTS = 8;
/** How often a part's name may be free and taken in turn. */
const PUT_TRIES = 3;

/**
 * The commit for storages that cannot swap folders: parts where absent, then the manifest on condition that it is
 * still the one seen, then what is derived from it, then away with the names that only the old manifest lists.
 *
 * A file of the old generation that was to be kept, but holds other bytes than its manifest says, is not written over:
 * its rows go beside it under another name, and it goes with the names that only the old manifest lists.
 *
 * @returns what was committed.
 * @throws LOCK001 when another writer was first; STG001. Until the manifest is put, the old generation is whole.
 */
export async function publish(attempt: Attempt): Promise<Generation> {
  const { storage, path, generation } = attempt;
  const damaged: string[] = [];
  await inParallel(generation.parts, PARALLEL_PARTS, async ({ file, source }) => {
    throwIfStopped(attempt.signal);
    if ((await publishPart(attempt, file, source)) === 'damaged') damaged.push(file.path);
  });
  throwIfStopped(attempt.signal);
  if (damaged.length > 0)
    return publish({ ...attempt, generation: renamed(attempt, damaged), isRenamed: true });
  await putManifest(attempt);
  try {
    await storage.put(keyOf(path, CHECKSUMS_NAME), { bytes: generation.checksumsBytes });
  } catch (error) {
    throw new FoundryError(
      'STG001',
      `${storage.description}/${path} was committed, but its ${CHECKSUMS_NAME} could not be written: ${messageOf(error)}`,
      { hint: 'The new data is in place and whole. Run again to write the checksums.', cause: error },
    );
  }
  const listed = new Set(generation.manifest.files.map((file) => file.path));
  await removeNames(
    attempt,
    attempt.seen.files.filter((name) => !listed.has(name)),
  );
  return generation;
}

function renamed({ generation, replan }: Attempt, damaged: readonly string[]): Generation {
  const next = replan(damaged);
  // The same parts in the same order, which may have been moved since they were planned.
  const parts = next.parts.map(({ file }, index) => ({
    file,
    source: generation.parts[index]?.source ?? '',
  }));
  return { ...next, parts };
}

async function publishPart(
  attempt: Attempt,
  file: ManifestFile,
  source: string,
): Promise<'published' | 'damaged'> {
  const key = keyOf(attempt.path, file.path);
  for (let tries = 1; ; tries += 1) {
    try {
      await attempt.storage.put(key, { file: source }, 'ifAbsent');
      return 'published';
    } catch (error) {
      // The name is taken, or the answer got lost: the bytes decide.
      const held = await holds(attempt, key, file);
      if (held === 'same') return 'published';
      if (!(error instanceof ConditionFailed)) throw error;
      if (held === 'other') {
        if (attempt.isRenamed !== true && attempt.seen.files.includes(file.path)) return 'damaged';
        throw foreign(attempt, key);
      }
      // Another run replaced the generation that held it, and cleared it away; the commit will tell who was first.
      if (tries === PUT_TRIES) throw lostRace(attempt, undefined);
    }
  }
}

function foreign(attempt: Attempt, key: string): FoundryError {
  return new FoundryError(
    'STG001',
    `${attempt.storage.description}/${key} holds other bytes than this run's`,
    { hint: 'Something other than foundry wrote a file of this name. Move it away and run again.' },
  );
}

async function holds(
  attempt: Attempt,
  key: string,
  file: ManifestFile,
): Promise<'same' | 'other' | 'absent'> {
  const stored = await attempt.storage.stat(key);
  if (stored === undefined) return 'absent';
  if (stored.sizeBytes !== file.size_bytes) return 'other';
  const hash = createHash('sha256');
  try {
    for await (const chunk of attempt.storage.read(key)) hash.update(chunk);
  } catch (error) {
    if ((await attempt.storage.stat(key)) === undefined) return 'absent';
    throw error;
  }
  return hash.digest('hex') === file.sha256 ? 'same' : 'other';
}

/** The commit point. */
async function putManifest(attempt: Attempt): Promise<void> {
  const { storage, path, seen, generation } = attempt;
  const key = keyOf(path, MANIFEST_NAME);
  const condition = seen.manifest === undefined ? 'ifAbsent' : { ifMatch: seen.manifest.etag };
  try {
    await storage.put(key, { bytes: generation.manifestBytes }, condition);
  } catch (error) {
    const current = await storage.readBytes(key).catch((unread: unknown) => {
      throw new FoundryError(
        'STG001',
        `it is not known whether ${storage.description}/${path} was committed: ${messageOf(error)}; ${messageOf(unread)}`,
        { hint: 'The partition is the old one or the new one, whole. Run again.', cause: error },
      );
    });
    const found = current === undefined ? undefined : readable(current.bytes);
    if (found?.commit_id === generation.manifest.commit_id) return;
    // Without a refusal the put may still arrive late, so the parts that it lists stay.
    if (!(error instanceof ConditionFailed) && current?.etag === seen.manifest?.etag) throw error;
    const listed = new Set(found?.files.map((file) => file.path));
    const own = generation.manifest.files.map((file) => file.path);
    await removeNames(
      attempt,
      own.filter((name) => !listed.has(name)),
    );
    throw lostRace(attempt, current?.bytes);
  }
}

/** What stays behind is unlisted, so no reader of manifests takes it. */
async function removeNames(attempt: Attempt, names: readonly string[]): Promise<void> {
  await inParallel(names, PARALLEL_PARTS, (name) =>
    attempt.storage.remove(keyOf(attempt.path, name)).catch(() => undefined),
  );
}
