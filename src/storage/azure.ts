import { createHash, randomBytes } from 'node:crypto';
import {
  BlobServiceClient,
  type ContainerClient,
  RestError,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import type { AzureSettings } from './azure-settings.ts';
import type { ObjectApi, ObjectFailure } from './object-api.ts';
import { quoted, storedObject, unquoted } from './object-entity.ts';
import { kindOf, networkFailure, retryAfterMs } from './object-failure.ts';
import type { PutCondition, StoredObject } from './storage.ts';

const PAGE = 1000;
/** The one retry policy of the house is resilience/'s. */
const OPTIONS = { retryOptions: { maxTries: 1 } };

/** An Azure account's container, and what only its owner may do. */
export interface AzureApi extends ObjectApi {
  /** Idempotent. @returns whether it was missing. */
  createContainer(signal: AbortSignal): Promise<boolean>;
}

/** The requests of Azure Blob Storage, each made once. */
export async function openAzure(container: string, settings: AzureSettings): Promise<AzureApi> {
  const client = (await openService(settings)).getContainerClient(container);
  return {
    backend: 'azure',
    bucket: container,
    host: new URL(settings.accountUrl).host,
    // By UTF-16 on one, folder by folder with a hierarchical namespace on another.
    isSorted: false,
    failure,
    async createContainer(signal) {
      return (await client.createIfNotExists({ abortSignal: signal })).succeeded;
    },
    async head(name, signal) {
      const found = await client.getBlobClient(name).getProperties({ abortSignal: signal });
      if (isFolderMarker(found.metadata)) throw new FolderMarker(name);
      return storedObject(name, found.contentLength, found.etag, found.lastModified);
    },
    async get(name, range, etag, signal) {
      const count = range?.end === undefined ? undefined : range.end - range.start;
      const found = await client.getBlobClient(name).download(range?.start ?? 0, count, {
        abortSignal: signal,
        // A body that breaks off is asked for again by us, from where it broke.
        maxRetryRequests: 0,
        ...(etag !== undefined && { conditions: { ifMatch: quoted(etag) } }),
      });
      if (found.readableStreamBody === undefined) throw new Error(`Azure gave no body for ${name}`);
      if (isFolderMarker(found.metadata)) throw new FolderMarker(name);
      const { etag: version, sizeBytes } = storedObject(name, found.contentLength, found.etag, new Date(0));
      return {
        body: found.readableStreamBody as unknown as AsyncIterable<Uint8Array>,
        etag: version,
        sizeBytes,
      };
    },
    async put(name, bytes, condition, signal) {
      const options = {
        abortSignal: signal,
        conditions: conditionsOf(condition),
        transactionalContentMD5: md5(bytes),
      };
      const { etag } = await client.getBlockBlobClient(name).upload(bytes, bytes.length, options);
      return unquoted(etag, name);
    },
    async remove(name, signal) {
      await client.getBlobClient(name).deleteIfExists({ abortSignal: signal, deleteSnapshots: 'include' });
    },
    async listPage(prefix, token, signal) {
      const pages = client
        .listBlobsFlat({ prefix, abortSignal: signal, includeMetadata: true })
        .byPage({ maxPageSize: PAGE, ...(token !== undefined && { continuationToken: token }) });
      const { value } = await pages.next();
      return pageOf(value as ListedPage | undefined);
    },
    parts: partsOf(client),
  };
}

async function openService(settings: AzureSettings): Promise<BlobServiceClient> {
  switch (settings.kind) {
    case 'key':
      return new BlobServiceClient(
        settings.accountUrl,
        new StorageSharedKeyCredential(settings.account, settings.key),
        OPTIONS,
      );
    case 'sas':
      return new BlobServiceClient(`${settings.accountUrl}?${settings.token}`, undefined, OPTIONS);
    case 'identity': {
      const { openIdentity } = await import('./azure-identity.ts');
      return new BlobServiceClient(settings.accountUrl, openIdentity(settings.identity), OPTIONS);
    }
  }
}

/**
 * Blocks of one upload begin with one random word, so that two writers of one name never mix; what is not committed
 * Azure removes after a week, and when the blob is next written.
 */
function partsOf(client: ContainerClient): ObjectApi['parts'] {
  return {
    maxParts: 50_000,
    async begin() {
      return randomBytes(8).toString('hex');
    },
    async part(name, upload, number, bytes, signal) {
      const block = Buffer.from(`${upload}-${String(number).padStart(5, '0')}`).toString('base64');
      await client
        .getBlockBlobClient(name)
        .stageBlock(block, bytes, bytes.length, { abortSignal: signal, transactionalContentMD5: md5(bytes) });
      return block;
    },
    async complete(name, _upload, parts, condition, signal) {
      const { etag } = await client
        .getBlockBlobClient(name)
        .commitBlockList([...parts], { abortSignal: signal, conditions: conditionsOf(condition) });
      return unquoted(etag, name);
    },
    async abort() {},
  };
}

/** A page of a listing, as the SDK gives it. */
export interface ListedPage {
  readonly continuationToken?: string;
  readonly segment: {
    readonly blobItems: readonly {
      readonly name: string;
      readonly metadata?: Readonly<Record<string, string>>;
      readonly properties: {
        readonly etag: string;
        readonly contentLength?: number;
        readonly lastModified: Date;
        readonly resourceType?: string;
      };
    }[];
  };
}

/** The objects of a page, without the entries by which a hierarchical namespace keeps its folders. */
export function pageOf(page: ListedPage | undefined): {
  readonly objects: readonly StoredObject[];
  readonly next?: string;
} {
  const objects = (page?.segment.blobItems ?? []).flatMap(({ name, metadata, properties }): StoredObject[] =>
    isFolderMarker(metadata) || properties.resourceType === 'directory' || name.endsWith('/')
      ? []
      : [storedObject(name, properties.contentLength, properties.etag, properties.lastModified)],
  );
  const next = page?.continuationToken;
  return { objects, ...(next !== undefined && next !== '' && { next }) };
}

function isFolderMarker(metadata: Readonly<Record<string, string>> | undefined): boolean {
  return metadata?.hdi_isfolder === 'true' || metadata?.Hdi_isfolder === 'true';
}

/** What stands where a folder is must not be taken for an object without bytes. */
class FolderMarker extends Error {
  override readonly name = 'NotFound';
  constructor(name: string) {
    super(`${name} is a folder`);
  }
}

function failure(error: unknown): ObjectFailure {
  const network = networkFailure(error);
  if (network !== undefined) return network;
  if (error instanceof RestError) {
    const code = codeOf(error);
    const status = error.statusCode;
    const afterMs = retryAfterMs(error.response?.headers.get('retry-after'));
    const [first = ''] = error.message.split('\n', 1);
    return {
      kind:
        error.code === 'REQUEST_SEND_ERROR' || error.code === 'PARSE_ERROR'
          ? 'temporary'
          : kindOf(code, status),
      code,
      message: first.trim() === '' ? `HTTP ${status} ${code}` : first.trim(),
      ...(status !== undefined && { status }),
      ...(afterMs !== undefined && { afterMs }),
    };
  }
  if (error instanceof Error) {
    const [first = ''] = error.message.split('\n', 1);
    return { kind: kindOf(error.name, undefined), code: error.name, message: first };
  }
  return { kind: 'other', code: 'unknown', message: String(error) };
}

/** Answers to HEAD have no body; their code stands in a header. */
function codeOf(error: RestError): string {
  const details = error.details as { readonly errorCode?: string } | undefined;
  return details?.errorCode ?? error.response?.headers.get('x-ms-error-code') ?? error.code ?? error.name;
}

function conditionsOf(condition: PutCondition | undefined): { ifNoneMatch?: string; ifMatch?: string } {
  if (condition === undefined) return {};
  return condition === 'ifAbsent' ? { ifNoneMatch: '*' } : { ifMatch: quoted(condition.ifMatch) };
}

function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}
