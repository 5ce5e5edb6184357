import type { BronzePathKeys } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { Storage } from '../storage/storage.ts';
import type { Generation } from './generation.ts';
import { MANIFEST_NAME } from './manifest.ts';
import { parseManifest } from './manifest-schema.ts';

/** What lay at a partition when an attempt at replacing it began. */
export interface Seen {
  /** Absent when there was no `_metadata.json`. */
  readonly manifest?: { readonly bytes: Uint8Array; readonly etag: string };
  /** Names, relative to the partition, that belong to the generation seen. */
  readonly files: readonly string[];
}

/** One attempt at replacing one partition, ready to commit. */
export interface Attempt {
  readonly storage: Storage;
  readonly path: string;
  /** As in the lake. */
  readonly pathKeys?: BronzePathKeys;
  readonly seen: Seen;
  readonly generation: Generation;
  /** Its parts have other names than planned at first, since files that were damaged hold those. */
  readonly isRenamed?: boolean;
  /** The same parts, none of which has one of these names of the generation seen. */
  replan(damaged: readonly string[]): Generation;
  /** Private folder for scratch files and the new generation's assembly. */
  readonly staging: string;
  readonly signal: AbortSignal;
}

export function keyOf(path: string, name: string): string {
  return `${path}/${name}`;
}

/** LOCK001 that names the commit which was there first. */
export function lostRace(attempt: Attempt, current: Uint8Array | undefined): FoundryError {
  const winner = current === undefined ? undefined : readable(current);
  return new FoundryError(
    'LOCK001',
    `another run replaced ${attempt.storage.description}/${attempt.path} since this one began`,
    {
      details: { commit_id: winner?.commit_id, committed_at: winner?.timestamp },
      hint: `This run changed nothing: its rows were thrown away. Run again when no other run writes this dataset.`,
    },
  );
}

/** A broken or foreign manifest is replaced by landing again, so it is no error to find one here. */
export function readable(bytes: Uint8Array): ReturnType<typeof parseManifest> {
  try {
    return parseManifest(bytes, MANIFEST_NAME);
  } catch {
    return undefined;
  }
}
