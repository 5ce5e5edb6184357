/**
 * Programs of storage.bench.ts, each a process of its own:
 * `commit <base> <file> <sha256>`: foundry's commit of one part that lies ready.
 * `sdk <bucket> <key> <file>`: the SDK's own upload in parts of the same file.
 * `list <base> <objects>`, `verify <base> <parallel>`: a listing, and a check of every object, of a lake.
 * `get <bucket> <prefix> <parallel>`: the SDK's own listing, and each object got and hashed.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { openPartition } from '../../src/lake/commit.ts';
import { verifyTree } from '../../src/lake/verify.ts';
import { openStorage } from '../../src/storage/open.ts';
import { inParallel } from '../../src/storage/turns.ts';
import { manifestBody, NEVER_STOPPED } from '../../src/testing/lake-fixtures.ts';

const PARTITION = 'system=s/table=t/pattern=full/dt=2025-01-05';

async function commit(base: string, file: string, sha256: string): Promise<void> {
  const spoolRoot = join(file, '..');
  const writer = await openPartition({ storage: openStorage(base) }, PARTITION, {
    signal: NEVER_STOPPED,
    spoolRoot,
  });
  const spooled = join(writer.spool, 'part.parquet.tmp');
  await link(file, spooled);
  const part = {
    file: spooled,
    folder: '',
    stem: 'full-part-0001',
    format: 'parquet' as const,
    rows: 1,
    sizeBytes: (await stat(file)).size,
    sha256,
    role: 'data' as const,
  };
  await writer.commit([part], manifestBody());
}

function sdkClient(): S3Client {
  return new S3Client({
    endpoint: process.env.BRONZE_S3_ENDPOINT ?? '',
    region: 'us-east-1',
    forcePathStyle: true,
  });
}

async function sdk(bucket: string, key: string, file: string): Promise<void> {
  const client = sdkClient();
  const params = { Bucket: bucket, Key: key, Body: createReadStream(file) };
  // Parts as large as foundry's, as many at a time as the SDK's default.
  await new Upload({ client, params, partSize: 8 * 1024 * 1024, queueSize: 4 }).done();
}

async function list(base: string, objects: number): Promise<void> {
  let count = 0;
  for await (const _ of openStorage(base).list('')) count += 1;
  if (count < objects) throw new Error(`only ${count} objects are listed`);
}

async function verify(base: string, parallel: number): Promise<void> {
  const [found] = await verifyTree({ storage: openStorage(base) }, '', { signal: NEVER_STOPPED, parallel });
  if (found?.status !== 'intact') throw new Error(`the lake is ${found?.status}`);
}

async function get(bucket: string, prefix: string, parallel: number): Promise<void> {
  const client = sdkClient();
  const keys: string[] = [];
  for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
    keys.push(...(Contents ?? []).flatMap(({ Key }) => Key ?? []));
  await inParallel(keys, parallel, async (key) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const hash = createHash('sha256');
    for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk);
    hash.digest('hex');
  });
}

const [what = '', ...[a = '', b = '', c = '']] = process.argv.slice(2);
switch (what) {
  case 'commit':
    await commit(a, b, c);
    break;
  case 'sdk':
    await sdk(a, b, c);
    break;
  case 'list':
    await list(a, Number(b));
    break;
  case 'verify':
    await verify(a, Number(b));
    break;
  case 'get':
    await get(a, b, Number(c));
    break;
  default:
    throw new Error(`there is no contestant "${what}"`);
}
