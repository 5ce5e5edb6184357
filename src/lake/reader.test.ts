import { afterAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import Ajv from 'ajv';
import type { FoundryError } from '../core/errors.ts';
import { localStorage } from '../storage/local.ts';
import { manifestBody, NEVER_STOPPED, spoolPart, spoolParts } from '../testing/lake-fixtures.ts';
import { openPartition } from './commit.ts';
import { sha256Hex } from './generation.ts';
import type { Lake } from './lake.ts';
import type { Manifest, ManifestBody } from './manifest.ts';
import { parseManifest } from './manifest-schema.ts';
import { listPartitions } from './partitions.ts';
import { PUBLISHED_SCHEMAS } from './published-schemas.ts';
import { type OpenCommittedOptions, openCommitted, readManifest } from './reader.ts';

const TABLE = 'system=s/table=t';
const PATH = `${TABLE}/pattern=full/dt=2025-01-05`;
const folders: string[] = [];
async function makeLake(): Promise<Lake> {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-reader-'));
  folders.push(folder);
  return { storage: localStorage(join(folder, 'lake')) };
}
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function land(lake: Lake, path = PATH, body: Partial<ManifestBody> = {}): Promise<Manifest> {
  const writer = await openPartition(lake, path, { signal: NEVER_STOPPED });
  return (await writer.commit(await spoolParts(writer, ['one', 'two']), manifestBody(body))).manifest;
}

function open(lake: Lake, options: Partial<OpenCommittedOptions> = {}) {
  return openCommitted(lake, PATH, { verify: true, signal: NEVER_STOPPED, ...options });
}

async function failure(work: Promise<unknown>): Promise<[string, number, string]> {
  const error = (await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as FoundryError | undefined;
  return [error?.code ?? 'no error', error?.exitCode ?? 0, error?.message ?? ''];
}

async function writeFiles(lake: Lake, path: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = lake.storage.local!.path(`${path}/${name}`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

const inFolder = (lake: Lake, name: string): string => lake.storage.local!.path(`${PATH}/${name}`);

describe('opening a committed partition', () => {
  test('gives the listed data files with their manifest, and no other file', async () => {
    const lake = await makeLake();
    const manifest = await land(lake);
    await writeFiles(lake, PATH, { 'full-part-0009.parquet': 'unlisted' });
    const opened = await open(lake);
    expect(opened?.manifest).toEqual(manifest);
    expect(opened?.files.map(({ path, rows }) => [path, rows])).toEqual(
      manifest.files.map(({ path }) => [path, 1]),
    );
    expect(await readFile(opened!.files[0]!.localPath, 'utf8')).toBe('one');
  });

  test('is undefined where nothing was landed', async () => {
    expect(await open(await makeLake())).toBeUndefined();
    expect(await readManifest(await makeLake(), PATH)).toBeUndefined();
  });

  test('scenario 65: required checksums intact, missing, tampered, wrong pattern', async () => {
    const lake = await makeLake();
    const manifest = await land(lake);
    expect((await open(lake, { requireChecksum: true, expectedPattern: 'full' }))?.files).toHaveLength(2);
    expect(
      (await failure(open(lake, { requireChecksum: true, expectedPattern: 'cdc' }))).slice(0, 2),
    ).toEqual(['SUM001', 3]);

    const sums = inFolder(lake, '_checksums.json');
    const intact = await readFile(sums, 'utf8');
    await rm(sums);
    expect((await failure(open(lake, { requireChecksum: true })))[0]).toBe('SUM001');
    await writeFile(sums, intact.replace(manifest.files[0]!.sha256, 'f'.repeat(64)));
    const [code, , message] = await failure(open(lake));
    expect(code).toBe('SUM001');
    expect(message).toContain(manifest.files[0]!.path);
    await writeFile(sums, intact);
    await writeFile(inFolder(lake, '_metadata.json'), JSON.stringify({ ...manifest, record_count: 3 }));
    expect((await failure(open(lake)))[0]).toBe('SUM001');
  });

  test('a file of other bytes or another size is refused by name, a size even without hashing', async () => {
    const lake = await makeLake();
    const { files } = await land(lake);
    await writeFile(inFolder(lake, files[1]!.path), 'TWO');
    const [code, exit, message] = await failure(open(lake));
    expect([code, exit]).toEqual(['SUM001', 3]);
    expect(message).toContain(files[1]!.path);
    expect((await open(lake, { verify: false }))?.files).toHaveLength(2);
    await writeFile(inFolder(lake, files[1]!.path), 'twice');
    expect((await failure(open(lake, { verify: false })))[0]).toBe('SUM001');
  });

  test('a listed file that is gone is exit 75, and with verification a broken partition', async () => {
    const lake = await makeLake();
    const { files } = await land(lake);
    await rm(inFolder(lake, files[0]!.path));
    expect((await failure(open(lake, { verify: false }))).slice(0, 2)).toEqual(['LOCK001', 75]);
    expect((await failure(open(lake))).slice(0, 2)).toEqual(['SUM001', 3]);
  });

  test('a replacement between manifest and files is followed', async () => {
    const lake = await makeLake();
    await land(lake);
    let replaced = false;
    const storage = {
      ...lake.storage,
      stat: async (key: string) => {
        if (!replaced) {
          replaced = true;
          const writer = await openPartition(lake, PATH, { signal: NEVER_STOPPED });
          await writer.commit(await spoolParts(writer, ['new']), manifestBody());
        }
        return lake.storage.stat(key);
      },
    };
    expect((await open({ storage }))?.files).toHaveLength(1);
  });

  test('files opened into a spool stay readable after a replacement, whatever their names', async () => {
    const lake = await makeLake();
    const spool = dirname(lake.storage.local!.path(''));
    await land(lake);
    const others = `${TABLE}/pattern=full/dt=2025-01-06`;
    await writeFiles(lake, PATH.replace('05', '07'), { 'part-0001.csv': 'seven' });
    await writeFiles(lake, others, { 'part-0001.csv': 'six' });
    const opened = [
      await open(lake, { spool }),
      await openCommitted(lake, others, { verify: false, spool, signal: NEVER_STOPPED }),
      await openCommitted(lake, PATH.replace('05', '07'), { verify: false, spool, signal: NEVER_STOPPED }),
    ];
    await land(lake, PATH, { load_pattern: 'cdc' });
    await land(lake, others);
    const texts = opened.flatMap((partition) =>
      partition!.files.map(({ localPath }) => readFile(localPath, 'utf8')),
    );
    expect(await Promise.all(texts)).toEqual(['one', 'two', 'six', 'seven']);
  });

  test('missing or outdated checksums are rebuilt with a warning', async () => {
    const lake = await makeLake();
    await land(lake);
    const sums = inFolder(lake, '_checksums.json');
    const intact = JSON.parse(await readFile(sums, 'utf8'));
    for (const text of [undefined, 'not json', JSON.stringify({ ...intact, commit_id: 'another' })]) {
      if (text === undefined) await rm(sums);
      else await writeFile(sums, text);
      expect((await open(lake))?.warnings.join()).toContain('rebuilt');
      expect(JSON.parse(await readFile(sums, 'utf8'))).toEqual(intact);
    }
    expect((await open(lake))?.warnings).toEqual([]);
  });

  test('a broken or newer manifest is exit 5 and names the file', async () => {
    const lake = await makeLake();
    for (const text of [
      '{',
      '[]',
      '"x"',
      '{"format_version":2}',
      '{"format_version":1,"files":[{"path":"../x"}]}',
    ]) {
      await writeFiles(lake, PATH, { '_metadata.json': text });
      const [code, exit, message] = await failure(open(lake));
      expect([code, exit]).toEqual(['STATE001', 5]);
      expect(message).toContain('_metadata.json');
    }
  });

  test('a manifest cannot name files outside its partition', async () => {
    const manifest = await land(await makeLake());
    const withPath = (path: string): Uint8Array =>
      new TextEncoder().encode(JSON.stringify({ ...manifest, files: [{ ...manifest.files[0], path }] }));
    for (const path of ['../x', '/etc/passwd', 'a/../../x', 'a//b', '.', 'a/', '']) {
      expect(() => parseManifest(withPath(path), 'm')).toThrow('files.0.path');
    }
    expect(parseManifest(withPath('region=a..b/.x'), 'm')?.files).toHaveLength(1);
  });
});

describe('lakes that foundry did not write (decision 27)', () => {
  const sums = (files: Readonly<Record<string, string>>): string =>
    JSON.stringify({
      load_pattern: 'full',
      files: Object.entries(files).map(([path, text]) => ({
        path,
        size_bytes: text.length,
        sha256: sha256Hex(text),
      })),
    });
  const originals = '{"timestamp":"2024-01-01T00:00:00Z","record_count":2}';

  test("the original's checksums give the files, verified, with a warning", async () => {
    const lake = await makeLake();
    await writeFiles(lake, PATH, {
      'full-part-0001.csv': 'abc',
      'full-part-0002.csv': 'left over',
      '_metadata.json': originals,
      '_checksums.json': sums({ 'full-part-0001.csv': 'abc', '_metadata.json': originals }),
    });
    const opened = await open(lake, { requireChecksum: true, expectedPattern: 'full' });
    expect(opened?.files.map(({ path }) => path)).toEqual(['full-part-0001.csv']);
    expect(opened?.warnings).toHaveLength(1);
    expect((await failure(open(lake, { requireChecksum: true, expectedPattern: 'cdc' })))[0]).toBe('SUM001');
    await writeFiles(lake, PATH, { 'full-part-0001.csv': 'ABC' });
    expect((await failure(open(lake)))[0]).toBe('SUM001');
  });

  test('without checksums all Parquet directly in the folder is taken, else all CSV, in part order', async () => {
    const lake = await makeLake();
    await writeFiles(lake, PATH, {
      'part-10.csv': 'c',
      'part-9.csv': 'b',
      'sub/x.parquet': 'no',
      '_x.csv': 'no',
    });
    expect((await open(lake))?.files.map(({ path }) => path)).toEqual(['part-9.csv', 'part-10.csv']);
    await writeFiles(lake, PATH, { 'part-1.parquet': 'p' });
    expect((await open(lake))?.files.map(({ path }) => path)).toEqual(['part-1.parquet']);
    expect((await failure(open(lake, { requireChecksum: true })))[0]).toBe('SUM001');
  });
});

describe('listing partitions (decision 10a)', () => {
  test('orders by date, then hour, stamp or start, across pattern folders, with foreign partitions', async () => {
    const lake = await makeLake();
    const at = (pattern: string, rest: string): string => `${TABLE}/pattern=${pattern}/${rest}`;
    await land(lake, at('full', 'dt=2025-01-02'));
    await land(lake, at('cdc', 'dt=2025-01-01/hour=10'));
    await land(lake, at('full', 'dt=2025-01-01/hour=09'));
    await land(lake, at('cdc', 'dt=2025-01-03/batch_id=b'), { started_at: '2025-01-03T08:00:00.000Z' });
    await land(lake, at('cdc', 'dt=2025-01-03/batch_id=a'), { started_at: '2025-01-03T09:00:00.000Z' });
    await writeFiles(lake, at('full', 'dt=2024-12-31'), { 'part-0001.parquet': 'x' });
    await writeFiles(lake, `${TABLE}2/pattern=full/dt=2024-12-31`, { 'part-0001.parquet': 'x' });
    const listed = await listPartitions(lake, TABLE);
    expect(
      listed.map(({ path, manifest }) => [path.slice(TABLE.length + 9), manifest !== undefined]),
    ).toEqual([
      ['full/dt=2024-12-31', false],
      ['full/dt=2025-01-01/hour=09', true],
      ['cdc/dt=2025-01-01/hour=10', true],
      ['full/dt=2025-01-02', true],
      ['cdc/dt=2025-01-03/batch_id=b', true],
      ['cdc/dt=2025-01-03/batch_id=a', true],
    ]);
    expect(listed[0]?.address).toMatchObject({ pattern: 'full', dt: '2024-12-31' });
  });

  test('sub-folders of a Silver partition are part of it', async () => {
    const lake = await makeLake();
    const path = 'domain=d/entity=e/v1/load_date=2025-01-05';
    const writer = await openPartition(lake, path, { signal: NEVER_STOPPED });
    const parts = [await spoolPart(writer, { text: 'e', folder: 'region=e/' })];
    await writer.commit(parts, manifestBody({ layer: 'silver' }));
    await writeFiles(lake, path, { 'region=old/unlisted.parquet': 'x' });
    expect((await listPartitions(lake, 'domain=d')).map((listed) => listed.path)).toEqual([path]);
  });
});

describe('published JSON Schemas', () => {
  test('accept what a commit writes, and what foundry refuses they refuse', async () => {
    const lake = await makeLake();
    const manifest = await land(lake);
    const ajv = new Ajv({ strict: false });
    const validator = (name: string) => {
      const published = PUBLISHED_SCHEMAS[name]!;
      const { $schema: _, ...schema } = JSON.parse(
        JSON.stringify(toJsonSchema(published.schema, { typeMode: 'input' })),
      );
      return ajv.compile(schema);
    };
    const isBronze = validator('bronze-metadata');
    expect(isBronze(manifest)).toBe(true);
    expect(isBronze({ ...manifest, files: [{ ...manifest.files[0], path: '../x' }] })).toBe(false);
    expect(validator('silver-metadata')({ ...manifest, layer: 'silver' })).toBe(true);
    expect(
      validator('checksums')(JSON.parse(await readFile(inFolder(lake, '_checksums.json'), 'utf8'))),
    ).toBe(true);
  });
});
