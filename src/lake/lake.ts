import type { BronzePathKeys } from '../config/spec.ts';
import type { Storage } from '../storage/storage.ts';
import type { Manifest, ManifestBody, ManifestFile } from './manifest.ts';

/** A tree of partitions on one storage. Partition paths are keys of that storage, without a trailing slash. */
export interface Lake {
  readonly storage: Storage;
  /** The names of Bronze's folders, where a config renames them. */
  readonly pathKeys?: BronzePathKeys;
}

/** A finished part file that lies in a writer's spool, not visible to any reader. */
export interface SpooledPart {
  /** Absolute local path, ending `.tmp`. */
  readonly file: string;
  /** Folder within the partition, `''` or `region=e/`-like with a trailing slash. */
  readonly folder: string;
  /** Name before the hash: `full-part-0001`. */
  readonly stem: string;
  readonly format: ManifestFile['format'];
  readonly rows: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly role: ManifestFile['role'];
  readonly artifact?: string;
  readonly partitionValues?: Readonly<Record<string, string | null>>;
}

export interface Committed {
  readonly manifest: Manifest;
  /** False when the same files were committed before: only the manifest is new. */
  readonly changed: boolean;
}

/** One attempt at replacing one partition as a whole: spool parts, then commit or discard. */
export interface PartitionWriter {
  readonly path: string;
  /** The manifest that a commit will replace, read when the attempt began. */
  readonly previous: Manifest | undefined;
  /** Whether rows lie there now: by that manifest, or as data files that foundry did not write (decision 27). */
  readonly holdsData: boolean;
  /** Private local folder for parts and scratch files; on local disk on the target's own file system. */
  readonly spool: string;
  /**
   * Publishes the parts and the manifest in one step.
   * @throws LOCK001 when another writer replaced the partition since `previous` was read; STG001.
   */
  commit(parts: readonly SpooledPart[], body: ManifestBody): Promise<Committed>;
  /** Removes the spool; idempotent, and a no-op after a commit. */
  discard(): Promise<void>;
}

export interface Lease {
  release(): Promise<void>;
}
