/**
 * Bytes by key, and nothing else: no rename, because object stores have none. Keys are relative, use `/`, and
 * have no empty, `.` or `..` segment. Every driver passes the suite in testing/storage-suite.ts.
 */
export interface StoredObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** Changes whenever the bytes do; opaque. */
  readonly etag: string;
  readonly modifiedAt: Date;
}

/** From `start` to before `end`, in bytes; without `end` to the end of the object. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** An upload in parts that was begun and not completed. */
export interface UnfinishedUpload {
  /** Key of the object that it would have become. */
  readonly name: string;
  readonly upload: string;
  readonly begunAt: Date;
}

export type PutBody = { readonly file: string } | { readonly bytes: Uint8Array };

/** `ifAbsent`: only where nothing is stored; `ifMatch`: only over exactly that version. */
export type PutCondition = 'ifAbsent' | { readonly ifMatch: string };

/** A conditional put that lost: another writer was there first. The caller decides what that means. */
export class ConditionFailed extends Error {
  override readonly name = 'ConditionFailed' as const;
  readonly key: string;

  constructor(key: string) {
    super(`${key} was changed by another writer`);
    this.key = key;
  }
}

export interface Storage {
  /** For messages: `file:///data/lake`, `s3://bucket/prefix`. */
  readonly description: string;
  /**
   * Everything below the folder `prefix` (no trailing slash; `''` is all), complete and sorted by the key's UTF-8
   * bytes, or it throws; never truncated. A missing prefix is an empty listing.
   */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Absence is a value. */
  stat(key: string): Promise<StoredObject | undefined>;
  /** Undefined when absent. For small objects: the whole is held in memory. */
  readBytes(key: string): Promise<{ readonly bytes: Uint8Array; readonly etag: string } | undefined>;
  /** The bytes, or a range of them, as they come; @throws STG001 when absent, changed meanwhile or cut short. */
  read(key: string, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** Streams to a local file; @throws STG001 when absent or cut short. */
  download(key: string, file: string): Promise<void>;
  /** @throws ConditionFailed when the condition does not hold; STG001 on any other failure. */
  put(key: string, body: PutBody, condition?: PutCondition): Promise<StoredObject>;
  /** Idempotent. */
  remove(key: string): Promise<void>;
  /** Object stores only: foundry's own folder below the base, which no listing shows and no key reaches. */
  readonly own?: () => Storage;
  /** Where uploads can be left half done: those below a folder, by their keys. */
  readonly uploads?: {
    list(prefix: string): AsyncIterable<UnfinishedUpload>;
    /** Idempotent. */
    abort(upload: UnfinishedUpload): Promise<void>;
  };
  /** Local disk only: what a folder-swapping commit needs. */
  readonly local?: LocalFolders;
}

export interface LocalFolders {
  /** Absolute path of a key (`''` is the base itself); the file or folder need not exist. */
  path(key: string): string;
  /**
   * Makes `staged` (absolute) the folder at `key`, in one step for any reader, fsynced. The folder that was
   * there, if any, is at `staged` afterwards. `false`: this platform has no such call, nothing was done.
   */
  exchange(staged: string, key: string): Promise<boolean>;
}

/** A key as a person would open it: a plain path on local disk, a URI elsewhere. */
export function locationOf(storage: Storage, key: string): string {
  return storage.local?.path(key) ?? `${storage.description}/${key}`;
}
