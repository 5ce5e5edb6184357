import type { ByteRange, PutCondition, StoredObject, UnfinishedUpload } from './storage.ts';

/** What an object store failed with, as far as anyone decides by it. */
export interface ObjectFailure {
  /**
   * `absent`: no such object. `condition`: a condition did not hold. `conflict`: another conditional write is under
   * way. `temporary`: trying again may help. `credentials`: missing, wrong or expired. `forbidden`: known, but not
   * allowed. `bucket`: no such bucket or container. `unsupported`: the store does not know the request. `region`,
   * `tls`, `clock`: what the connection has wrong. `upload`: the multipart upload is gone.
   */
  readonly kind:
    | 'absent'
    | 'condition'
    | 'conflict'
    | 'temporary'
    | 'credentials'
    | 'forbidden'
    | 'bucket'
    | 'unsupported'
    | 'region'
    | 'tls'
    | 'clock'
    | 'upload'
    | 'other';
  /** As the store calls it: `AccessDenied`. */
  readonly code: string;
  readonly message: string;
  readonly status?: number;
  /** How long the store asks to be left alone. */
  readonly afterMs?: number;
}

export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  /** Present where more follow. */
  readonly next?: string;
}

/**
 * The requests that one object store knows, each made once: names are whole names in the bucket or container, etags
 * have no quotes. What they throw is told apart by `failure`.
 */
export interface ObjectApi {
  readonly backend: 's3' | 'azure';
  /** The bucket or container, for messages. */
  readonly bucket: string;
  /** Host that is asked, for the circuit breaker. */
  readonly host: string;
  /** Whether pages come in the order of the names' UTF-8 bytes. */
  readonly isSorted: boolean;
  head(name: string, signal: AbortSignal): Promise<StoredObject>;
  /** `etag`: only that version. */
  get(
    name: string,
    range: ByteRange | undefined,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<{
    readonly body: AsyncIterable<Uint8Array>;
    readonly etag: string;
    /** Of the body. */
    readonly sizeBytes: number;
  }>;
  put(
    name: string,
    bytes: Uint8Array,
    condition: PutCondition | undefined,
    signal: AbortSignal,
  ): Promise<string>;
  remove(name: string, signal: AbortSignal): Promise<void>;
  listPage(prefix: string, token: string | undefined, signal: AbortSignal): Promise<ObjectPage>;
  readonly parts: ObjectParts;
  failure(error: unknown): ObjectFailure;
}

/** An object in parts, none of it visible until `complete`. */
export interface ObjectParts {
  readonly maxParts: number;
  begin(name: string, signal: AbortSignal): Promise<string>;
  /** @param number from 1. @returns what `complete` is told of the part. */
  part(name: string, upload: string, number: number, bytes: Uint8Array, signal: AbortSignal): Promise<string>;
  complete(
    name: string,
    upload: string,
    parts: readonly string[],
    condition: PutCondition | undefined,
    signal: AbortSignal,
  ): Promise<string>;
  /** Idempotent. */
  abort(name: string, upload: string, signal: AbortSignal): Promise<void>;
  /** Uploads that were begun and never completed; absent where the store clears them by itself. */
  unfinished?(prefix: string, signal: AbortSignal): AsyncIterable<UnfinishedUpload>;
}
