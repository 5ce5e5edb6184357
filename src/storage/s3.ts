import { readFile } from 'node:fs/promises';
import * as sdk from '@aws-sdk/client-s3';
import { type S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3';
import { FoundryError, messageOf } from '../core/errors.ts';
import type { ObjectApi, ObjectFailure } from './object-api.ts';
import { quoted, storedObject, unquoted } from './object-entity.ts';
import { kindOf, networkFailure, retryAfterMs } from './object-failure.ts';
import type { S3Settings } from './s3-settings.ts';
import type { ByteRange, PutCondition, UnfinishedUpload } from './storage.ts';

const PAGE = 1000;

/** The requests of S3 (API of 2006-03-01), each made once. */
export async function openS3(bucket: string, settings: S3Settings): Promise<ObjectApi> {
  const client = new sdk.S3Client(await clientConfig(settings));
  const encryption = {
    ...(settings.encryption !== undefined && { ServerSideEncryption: settings.encryption }),
    ...(settings.kmsKeyId !== undefined && { SSEKMSKeyId: settings.kmsKeyId }),
  };
  const object = (name: string) => ({ Bucket: bucket, Key: name });

  return {
    backend: 's3',
    bucket,
    host: settings.endpoint === undefined ? 's3.amazonaws.com' : new URL(settings.endpoint).host,
    isSorted: true,
    failure,
    async head(name, signal) {
      const found = await client.send(new sdk.HeadObjectCommand(object(name)), { abortSignal: signal });
      return storedObject(name, found.ContentLength, found.ETag, found.LastModified);
    },
    async get(name, range, etag, signal) {
      const command = new sdk.GetObjectCommand({
        ...object(name),
        ...(range !== undefined && { Range: rangeHeader(range) }),
        ...(etag !== undefined && { IfMatch: quoted(etag) }),
      });
      const found = await client.send(command, { abortSignal: signal });
      if (found.Body === undefined) throw new Error(`S3 gave no body for ${name}`);
      const { etag: version, sizeBytes } = storedObject(name, found.ContentLength, found.ETag, new Date(0));
      return { body: found.Body as AsyncIterable<Uint8Array>, etag: version, sizeBytes };
    },
    async put(name, bytes, condition, signal) {
      const command = new sdk.PutObjectCommand({
        ...object(name),
        ...encryption,
        ...conditionHeaders(condition),
        Body: bytes,
        ContentLength: bytes.length,
      });
      return unquoted((await client.send(command, { abortSignal: signal })).ETag, name);
    },
    async remove(name, signal) {
      await client.send(new sdk.DeleteObjectCommand(object(name)), { abortSignal: signal });
    },
    async listPage(prefix, token, signal) {
      const command = new sdk.ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        MaxKeys: PAGE,
        EncodingType: 'url',
        ...(token !== undefined && { ContinuationToken: token }),
      });
      const page = await client.send(command, { abortSignal: signal });
      if (page.IsTruncated === true && page.NextContinuationToken === undefined) {
        throw new Error('S3 says that more objects follow, but not where');
      }
      const decode = page.EncodingType === 'url' ? decodeUrl : (text: string) => text;
      return {
        objects: (page.Contents ?? []).map(({ Key = '', Size, ETag, LastModified }) =>
          storedObject(decode(Key), Size, ETag, LastModified),
        ),
        ...(page.IsTruncated === true && { next: page.NextContinuationToken ?? '' }),
      };
    },
    parts: {
      maxParts: 10_000,
      async begin(name, signal) {
        const command = new sdk.CreateMultipartUploadCommand({ ...object(name), ...encryption });
        const { UploadId } = await client.send(command, { abortSignal: signal });
        if (UploadId === undefined) throw new Error(`S3 began no upload of ${name}`);
        return UploadId;
      },
      async part(name, upload, number, bytes, signal) {
        const command = new sdk.UploadPartCommand({
          ...object(name),
          UploadId: upload,
          PartNumber: number,
          Body: bytes,
          ContentLength: bytes.length,
        });
        return unquoted((await client.send(command, { abortSignal: signal })).ETag, name);
      },
      async complete(name, upload, parts, condition, signal) {
        const command = new sdk.CompleteMultipartUploadCommand({
          ...object(name),
          ...conditionHeaders(condition),
          UploadId: upload,
          MultipartUpload: {
            Parts: parts.map((etag, index) => ({ PartNumber: index + 1, ETag: quoted(etag) })),
          },
        });
        return unquoted((await client.send(command, { abortSignal: signal })).ETag, name);
      },
      async abort(name, upload, signal) {
        const command = new sdk.AbortMultipartUploadCommand({ ...object(name), UploadId: upload });
        await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
          if (failure(error).kind !== 'upload' && failure(error).kind !== 'absent') throw error;
        });
      },
      unfinished: (prefix, signal) => unfinished(client, bucket, prefix, signal),
    },
  };
}

async function clientConfig(settings: S3Settings): Promise<S3ClientConfig> {
  const { endpoint, region, credentials, profile, caFile, verifySsl } = settings;
  const agent = {
    keepAlive: true,
    maxSockets: 64,
    ...(caFile !== undefined && { ca: await certificates(caFile) }),
    ...(!verifySsl && { rejectUnauthorized: false }),
  };
  return {
    // The one retry policy of the house is resilience/'s.
    maxAttempts: 1,
    forcePathStyle: settings.pathStyle,
    // Each request signs the SHA-256 of its body, which the store compares; a second checksum would only cost time,
    // and not every store knows the SDK's.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Bodies lie in memory, ready to be sent again: asking first would only cost a round trip for each.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: 10_000,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: agent,
    },
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
    ...(profile !== undefined && { profile }),
  };
}

async function certificates(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new FoundryError(
      'CFG001',
      `the certificates to trust cannot be read: ${file}: ${messageOf(error)}`,
      {
        hint: 'Correct s3_connection.ca_file, or AWS_CA_BUNDLE.',
      },
    );
  }
}

async function* unfinished(
  client: S3Client,
  bucket: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<UnfinishedUpload> {
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const command = new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker });
    const page = await client.send(command, { abortSignal: signal });
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key !== undefined && UploadId !== undefined)
        yield { name: Key, upload: UploadId, begunAt: Initiated ?? new Date() };
    }
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return;
    marker = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextUploadIdMarker !== undefined && { UploadIdMarker: page.NextUploadIdMarker }),
    };
  }
}

function failure(error: unknown): ObjectFailure {
  const network = networkFailure(error);
  if (network !== undefined) return network;
  if (error instanceof S3ServiceException) {
    const status = error.$metadata.httpStatusCode;
    const afterMs = retryAfterMs(error.$response?.headers['retry-after']);
    const message = error.message === 'UnknownError' ? `HTTP ${status}` : error.message;
    return {
      kind: kindOf(error.name, status),
      code: error.name,
      message,
      ...(status !== undefined && { status }),
      ...(afterMs !== undefined && { afterMs }),
    };
  }
  if (error instanceof Error) {
    const isRegion = error.message === 'Region is missing';
    return {
      kind: isRegion ? 'region' : kindOf(error.name, undefined),
      code: error.name,
      message: error.message,
    };
  }
  return { kind: 'other', code: 'unknown', message: String(error) };
}

function conditionHeaders(condition: PutCondition | undefined): { IfNoneMatch?: string; IfMatch?: string } {
  if (condition === undefined) return {};
  return condition === 'ifAbsent' ? { IfNoneMatch: '*' } : { IfMatch: quoted(condition.ifMatch) };
}

/** RFC 9110 §14.1.2: both ends are inside the range. */
function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end === undefined ? '' : end - 1}`;
}

function decodeUrl(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
