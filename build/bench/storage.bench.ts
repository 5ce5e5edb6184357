import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openPartition } from '../../src/lake/commit.ts';
import { openStorage } from '../../src/storage/open.ts';
import { manifestBody, NEVER_STOPPED, spoolPart } from '../../src/testing/lake-fixtures.ts';
import { s3TestStore } from '../../src/testing/object-stores.ts';
import { queryDuckdb } from '../../src/testing/parquet.ts';
import { moto } from '../services/moto.ts';
import { startServices } from '../services/start.ts';
import { type Contestant, printRace, promise, promiseRatio, race, withFolder } from './harness.ts';

/*
 * A part of 1 GB committed to S3 against the SDK's own upload of the same file; and a lake of 10,000 objects listed, and
 * checked against a bare loop of the SDK that gets each; all against moto's server, in processes of their own.
 */

const PROGRAM = [process.execPath, join(import.meta.dir, 'storage-contestants.ts')];
const MEGABYTE = 1024 * 1024;
const FILE_BYTES = Number(process.env.FOUNDRY_BENCH_MEGABYTES ?? '1024') * MEGABYTE;
const OBJECTS = Number(process.env.FOUNDRY_BENCH_OBJECTS ?? '10000');
/** As `foundry verify` does unless told otherwise. */
const AT_A_TIME = '8';

const services = await startServices([moto]);
Object.assign(process.env, services.env);
const store = await s3TestStore();
Object.assign(process.env, store.env, { AWS_EC2_METADATA_DISABLED: 'true' });
try {
  await withFolder(async (folder) => {
    if (FILE_BYTES > 0) await uploads(folder);
    if (OBJECTS > 0) await manyObjects(folder);
  });
} finally {
  await services.stop();
}

async function uploads(folder: string): Promise<void> {
  const file = join(folder, 'part');
  const sha256 = await randomFile(file);
  const bucket = store.uri.slice('s3://'.length);
  // The server takes longer for new keys than for those that it has, so both are new.
  let round = 0;
  const fresh = (): void => {
    round += 1;
  };
  const contestants: Contestant[] = [
    {
      name: 'foundry commit',
      get command() {
        return [...PROGRAM, 'commit', `${store.uri}/commit-${round}`, file, sha256];
      },
      prepare: fresh,
    },
    {
      name: 'SDK’s own upload in parts',
      get command() {
        return [...PROGRAM, 'sdk', bucket, `sdk-${round}`, file];
      },
      prepare: fresh,
    },
  ];
  const results = await race(contestants, { rounds: 3, warmUps: 0 });
  printRace(`${FILE_BYTES / MEGABYTE} MB to S3`, results);
  promiseRatio('a commit against the SDK’s own upload', results, 1.2);
  promise('peak memory of the commit', results[0]?.peakMegabytes ?? Number.NaN, 400, 'MB');
}

async function manyObjects(folder: string): Promise<void> {
  const base = `${store.uri}/many`;
  const spoolRoot = join(folder, 'spool');
  await mkdir(spoolRoot);
  const path = 'system=s/table=t/pattern=full/dt=2025-01-05';
  const lake = { storage: openStorage(base) };
  const writer = await openPartition(lake, path, { signal: NEVER_STOPPED, spoolRoot });
  const file = join(folder, 'row.parquet');
  await queryDuckdb(`COPY (SELECT 1 AS id, 'a row' AS note) TO '${file}' (FORMAT parquet)`);
  const text = await Bun.file(file).bytes();
  const parts = [];
  for (let n = 1; n <= OBJECTS; n += 1) parts.push(await spoolPart(writer, { text, n }));
  const start = performance.now();
  await writer.commit(parts, manifestBody());
  console.log(`\n${OBJECTS} parts committed in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  const once = { rounds: 1, warmUps: 0 };
  printRace(
    `${OBJECTS} objects on S3 listed`,
    await race([{ name: 'list', command: [...PROGRAM, 'list', base, `${OBJECTS}`] }], once),
  );
  const bucket = store.uri.slice('s3://'.length);
  const results = await race(
    [
      { name: `verify, ${AT_A_TIME} at a time`, command: [...PROGRAM, 'verify', base, AT_A_TIME] },
      {
        name: `listed and got by the SDK, ${AT_A_TIME} at a time`,
        command: [...PROGRAM, 'get', bucket, 'many/system', AT_A_TIME],
      },
    ],
    once,
  );
  printRace(`${OBJECTS} objects on S3 checked`, results);
  promiseRatio('a check against a bare loop of the SDK', results, 1.2);
  promise('peak memory of verify', results[0]?.peakMegabytes ?? Number.NaN, 400, 'MB');
}

/** Bytes that no server can shorten. @returns their SHA-256. */
async function randomFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  const out = createWriteStream(file);
  for (let written = 0; written < FILE_BYTES; written += MEGABYTE) {
    const block = randomBytes(MEGABYTE);
    hash.update(block);
    if (!out.write(block)) await new Promise((done) => out.once('drain', done));
  }
  await new Promise((done) => out.end(done));
  return hash.digest('hex');
}
