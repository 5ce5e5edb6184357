import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../core/clock.ts';
import { FoundryError, throwIfStopped } from '../core/errors.ts';
import { traced } from '../core/trace.ts';
import { makeFolder } from '../storage/durable.ts';
import { storageFailure } from '../storage/failure.ts';
import { checkKey } from '../storage/keys.ts';
import { type Attempt, keyOf, readable, type Seen } from './attempt.ts';
import { commitLocally } from './commit-local.ts';
import { type Generation, planGeneration } from './generation.ts';
import type { Committed, Lake, PartitionWriter, SpooledPart } from './lake.ts';
import { dataFormat } from './loose.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME, type Manifest, type ManifestBody } from './manifest.ts';
import { parseChecksums } from './manifest-schema.ts';
import { publish } from './publish.ts';
import { openStaging } from './staging.ts';

export interface OpenPartitionOptions {
  readonly signal: AbortSignal;
  /** Where to spool for a storage that is no local disk; default: the system's temporary folder. */
  readonly spoolRoot?: string;
  readonly clock?: Clock;
}

/**
 * Begins the replacement of one partition. A manifest that is broken, or the original's, counts as none: landing the
 * partition again is how it is mended.
 *
 * @throws STG001, INT001; `commit` also LOCK001.
 */
export async function openPartition(
  lake: Lake,
  path: string,
  options: OpenPartitionOptions,
): Promise<PartitionWriter> {
  const { storage } = lake;
  checkKey(path, storage.description);
  const staging = await openStaging(storage, options);
  try {
    const { seen, previous, holdsData } = await look(lake, path);
    const spool = join(staging.path, 'spool');
    await makeFolder(spool);
    let state: 'open' | 'ended' = 'open';
    const replace = async (parts: readonly SpooledPart[], body: ManifestBody): Promise<Committed> => {
      throwIfStopped(options.signal);
      const replan = (damaged: readonly string[]): Generation =>
        planGeneration(previous, parts, body, options.clock ?? systemClock, damaged);
      await refuseCutParts(parts);
      const attempt: Attempt = {
        storage,
        path,
        ...(lake.pathKeys !== undefined && { pathKeys: lake.pathKeys }),
        seen,
        generation: replan([]),
        replan,
        staging: staging.path,
        signal: options.signal,
      };
      const { changed, manifest } =
        storage.local === undefined ? await publish(attempt) : await commitLocally(attempt, storage.local);
      await staging.remove();
      return { manifest, changed };
    };
    return {
      path,
      previous,
      holdsData,
      spool,
      commit(parts, body): Promise<Committed> {
        if (state === 'ended') throw new Error(`the attempt at ${path} has ended`);
        state = 'ended';
        return traced(
          'foundry.commit',
          () => ({ 'foundry.partition': path }),
          () => replace(parts, body),
        );
      },
      async discard() {
        state = 'ended';
        await staging.remove();
      },
    };
  } catch (error) {
    await staging.remove();
    throw error;
  }
}

async function look(
  { storage }: Lake,
  path: string,
): Promise<{ readonly seen: Seen; readonly previous: Manifest | undefined; readonly holdsData: boolean }> {
  const found = await storage.readBytes(keyOf(path, MANIFEST_NAME));
  const previous = found === undefined ? undefined : readable(found.bytes);
  const files = previous?.files.map((file) => file.path) ?? (await unmanifestedFiles({ storage }, path));
  return {
    seen: { ...(found === undefined ? {} : { manifest: found }), files },
    previous,
    holdsData: previous === undefined ? files.length > 0 : previous.record_count > 0,
  };
}

/** Without a manifest of ours, what `_checksums.json` lists and all data directly in the folder is replaced. */
async function unmanifestedFiles({ storage }: Lake, path: string): Promise<string[]> {
  const names = new Set<string>();
  for await (const { key } of storage.list(path)) {
    const name = key.slice(path.length + 1);
    if (!name.includes('/') && dataFormat(name) !== undefined) names.add(name);
  }
  const found = await storage.readBytes(keyOf(path, CHECKSUMS_NAME));
  for (const name of found === undefined ? [] : listedNames(found.bytes)) names.add(name);
  return [...names];
}

function listedNames(checksums: Uint8Array): string[] {
  try {
    const { files } = parseChecksums(checksums, CHECKSUMS_NAME);
    return files.map((file) => file.path).filter((name) => dataFormat(name) !== undefined);
  } catch {
    return [];
  }
}

/** A part that is not as long as its writer counted was cut short by the disk. */
async function refuseCutParts(parts: readonly SpooledPart[]): Promise<void> {
  for (const part of parts) {
    const found = await stat(part.file).catch((error: unknown) => {
      throw storageFailure('find', part.file, error);
    });
    if (found.size !== part.sizeBytes) {
      throw new FoundryError(
        'STG001',
        `${part.file} has ${found.size} bytes, but ${part.sizeBytes} were written to it`,
        {
          hint: 'The disk lost what was written. Check the disk and its mount, then run again.',
        },
      );
    }
  }
}
