import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { openPartition } from '../lake/commit.ts';
import type { Committed, Lake } from '../lake/lake.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME } from '../lake/manifest.ts';
import { openCommitted, readManifest } from '../lake/reader.ts';
import type { Storage } from '../storage/storage.ts';
import { type Fault, faultyStorage } from './faulty-storage.ts';
import { contentOf, keysBelow, manifestBody, NEVER_STOPPED, spoolPart, spoolParts } from './lake-fixtures.ts';

const PATH = 'system=s/table=t/pattern=full/dt=2025-01-05';

/**
 * What a commit must keep on every storage; `makeStorage` gives an empty one each time.
 * @param every fails each nth call only, where calls are slow.
 */
export function commitSuite(
  name: string,
  makeStorage: () => Promise<Storage>,
  { every = 1 }: { readonly every?: number } = {},
): void {
  describe(`commit suite: ${name}`, () => {
    let spoolRoot = '';
    beforeAll(async () => {
      spoolRoot = await mkdtemp(join(tmpdir(), 'foundry-commit-suite-'));
    });
    afterAll(() => rm(spoolRoot, { recursive: true, force: true }));

    const open = (lake: Lake) => openPartition(lake, PATH, { signal: NEVER_STOPPED, spoolRoot });
    const land = async (lake: Lake, texts: readonly string[]): Promise<Committed> => {
      const writer = await open(lake);
      try {
        const status = texts.length === 0 ? 'empty' : 'complete';
        return await writer.commit(await spoolParts(writer, texts), manifestBody({ status }));
      } finally {
        await writer.discard();
      }
    };
    const makeLake = async (): Promise<Lake> => ({ storage: await makeStorage() });
    const verified = (lake: Lake) =>
      openCommitted(lake, PATH, {
        verify: true,
        requireChecksum: true,
        spool: spoolRoot,
        signal: NEVER_STOPPED,
      });

    test('a first commit lists every file with size, rows and hash, and nothing else lies there', async () => {
      const lake = await makeLake();
      const { manifest, changed } = await land(lake, ['one', 'two', 'three']);
      expect(changed).toBe(true);
      expect(manifest).toMatchObject({
        record_count: 3,
        chunk_count: 3,
        status: 'complete',
        format_version: 1,
      });
      expect(manifest.files.map(({ path }) => path.replace(/[0-9a-f]{8}/, 'H'))).toEqual([
        'full-part-0001-H.parquet',
        'full-part-0002-H.parquet',
        'full-part-0003-H.parquet',
      ]);
      expect((await keysBelow(lake.storage, PATH)).sort()).toEqual(
        [CHECKSUMS_NAME, MANIFEST_NAME, ...manifest.files.map(({ path }) => path)].sort(),
      );
      expect(await readManifest(lake, PATH)).toEqual(manifest);
      expect((await verified(lake))?.warnings).toEqual([]);
    });

    test('the same bytes again keep their names and count as unchanged', async () => {
      const lake = await makeLake();
      const first = await land(lake, ['a', 'b']);
      const second = await land(lake, ['a', 'b']);
      expect(second.changed).toBe(false);
      expect(second.manifest.files).toEqual(first.manifest.files);
      expect(second.manifest.commit_id).not.toBe(first.manifest.commit_id);
      expect(Object.values(await contentOf(lake, PATH))).toEqual(['a', 'b']);
    });

    test('of changed parts only the changed ones get new names', async () => {
      const lake = await makeLake();
      const first = await land(lake, ['a', 'b']);
      const second = await land(lake, ['a', 'c']);
      expect(second.changed).toBe(true);
      expect(second.manifest.files[0]).toEqual(first.manifest.files[0]!);
      expect(second.manifest.files[1]!.path).not.toBe(first.manifest.files[1]!.path);
    });

    test('fewer parts than before leave no old part behind (scenario 23)', async () => {
      const lake = await makeLake();
      await land(lake, ['a', 'b', 'c']);
      await land(lake, ['z']);
      expect(Object.values(await contentOf(lake, PATH))).toEqual(['z']);
      expect((await verified(lake))?.files).toHaveLength(1);
    });

    test('parts of equal bytes in several folders are committed again as they were', async () => {
      const lake = await makeLake();
      const folders = Array.from({ length: 12 }, (_, n) => `region=${n}/`);
      const landEqual = async () => {
        const writer = await open(lake);
        const parts = await Promise.all(
          folders.map((folder) => spoolPart(writer, { text: 'equal', folder })),
        );
        return writer.commit(parts, manifestBody());
      };
      const first = await landEqual();
      const second = await landEqual();
      expect([second.changed, second.manifest.files]).toEqual([false, first.manifest.files]);
      expect(Object.values(await contentOf(lake, PATH))).toEqual(folders.map(() => 'equal'));
    });

    test('bytes that were superseded come back under a name never used before', async () => {
      const lake = await makeLake();
      const names = new Set<string>();
      for (const text of ['a', 'b', 'a', 'b']) names.add((await land(lake, [text])).manifest.files[0]!.path);
      expect(names.size).toBe(4);
    });

    test('zero rows are a recorded outcome without files', async () => {
      const lake = await makeLake();
      await land(lake, ['a']);
      const { manifest } = await land(lake, []);
      expect(manifest).toMatchObject({ status: 'empty', record_count: 0, files: [] });
      expect(await contentOf(lake, PATH)).toEqual({});
      expect((await verified(lake))?.files).toEqual([]);
    });

    test('parts in sub-folders of the partition are listed by relative paths and verified (scenario 66)', async () => {
      const lake = await makeLake();
      const writer = await open(lake);
      const parts = [
        await spoolPart(writer, { text: 'e', folder: 'region=e/', partitionValues: { region: 'e' } }),
        await spoolPart(writer, { text: 'w', folder: 'region=w%20x/', partitionValues: { region: 'w x' } }),
      ];
      await writer.commit(parts, manifestBody());
      const committed = await verified(lake);
      expect(
        committed?.files.map(({ path, partitionValues }) => [path.split('/')[0], partitionValues]),
      ).toEqual([
        ['region=e', { region: 'e' }],
        ['region=w%20x', { region: 'w x' }],
      ]);
      await land(lake, ['flat']);
      expect(Object.values(await contentOf(lake, PATH))).toEqual(['flat']);
    });

    test('a part in both formats counts once', async () => {
      const lake = await makeLake();
      const writer = await open(lake);
      const parts = [
        await spoolPart(writer, { text: 'p', rows: 7 }),
        await spoolPart(writer, { text: 'c', rows: 7, format: 'csv' }),
        await spoolPart(writer, { text: 'q', rows: 2, folder: '_errors/', role: 'quarantine' }),
      ];
      const { manifest } = await writer.commit(parts, manifestBody());
      expect(manifest).toMatchObject({ record_count: 7, chunk_count: 1 });
      expect((await verified(lake))?.files.map(({ format }) => format)).toEqual(['parquet']);
    });

    test('of two attempts that began alike the second to commit loses with exit 75 and changes nothing', async () => {
      const lake = await makeLake();
      await land(lake, ['old']);
      const [first, second] = [await open(lake), await open(lake)];
      await first.commit(await spoolParts(first, ['first']), manifestBody());
      const lost = (await second
        .commit(await spoolParts(second, ['second', 'more']), manifestBody())
        .catch((error: unknown) => error)) as FoundryError;
      expect(lost).toBeInstanceOf(FoundryError);
      expect([lost.code, lost.exitCode]).toEqual(['LOCK001', 75]);
      await second.discard();
      expect(Object.values(await contentOf(lake, PATH))).toEqual(['first']);
      expect((await verified(lake))?.warnings).toEqual([]);
    });

    test('of ten racing commits exactly one wins, and the partition is its generation whole', async () => {
      const lake = await makeLake();
      const writers = await Promise.all(Array.from({ length: 10 }, () => open(lake)));
      const outcomes = await Promise.allSettled(
        writers.map(async (writer, n) =>
          writer.commit(await spoolParts(writer, [`${n}`, `${n}`]), manifestBody()),
        ),
      );
      await Promise.all(writers.map((writer) => writer.discard()));
      const won = outcomes.flatMap((outcome, n) => (outcome.status === 'fulfilled' ? [`${n}`] : []));
      expect(won).toHaveLength(1);
      expect(Object.values(await contentOf(lake, PATH))).toEqual([won[0]!, won[0]!]);
      expect((await verified(lake))?.files).toHaveLength(2);
    }, 30_000);

    test('a discarded attempt leaves the old partition and no spool', async () => {
      const lake = await makeLake();
      const before = await land(lake, ['old']);
      const writer = await open(lake);
      await spoolParts(writer, ['new']);
      await writer.discard();
      await writer.discard();
      await expect(readdir(writer.spool)).rejects.toThrow();
      expect(await readManifest(lake, PATH)).toEqual(before.manifest);
      expect(await readdir(spoolRoot)).not.toContain('spool');
    });

    test('a run that was told to stop commits nothing', async () => {
      const lake = await makeLake();
      await land(lake, ['old']);
      const stop = new AbortController();
      const writer = await openPartition(lake, PATH, { signal: stop.signal, spoolRoot });
      const parts = await spoolParts(writer, ['new']);
      stop.abort();
      const error = await writer.commit(parts, manifestBody()).catch((e: unknown) => e);
      await writer.discard();
      expect((error as FoundryError).code).toBe('INT001');
      expect(Object.values(await contentOf(lake, PATH))).toEqual(['old']);
    });

    test('a part that the disk cut short is refused', async () => {
      const lake = await makeLake();
      const writer = await open(lake);
      const [part] = await spoolParts(writer, ['text']);
      const error = await writer
        .commit([{ ...part!, sizeBytes: 5 }], manifestBody())
        .catch((e: unknown) => e);
      await writer.discard();
      expect((error as FoundryError).code).toBe('STG001');
      expect(await contentOf(lake, PATH)).toEqual({});
    });

    test('a broken manifest is mended by landing again', async () => {
      const lake = await makeLake();
      await lake.storage.put(`${PATH}/${MANIFEST_NAME}`, { bytes: new TextEncoder().encode('{"format_ver') });
      const { manifest } = await land(lake, ['a']);
      expect(await readManifest(lake, PATH)).toEqual(manifest);
    });

    test('a part that was damaged, or is gone, is mended by landing again', async () => {
      const lake = await makeLake();
      const [first, second] = (await land(lake, ['a', 'b', 'c'])).manifest.files;
      await lake.storage.put(`${PATH}/${first!.path}`, { bytes: new TextEncoder().encode('x') });
      await lake.storage.remove(`${PATH}/${second!.path}`);
      const { manifest } = await land(lake, ['a', 'b', 'c']);
      expect((await verified(lake))?.files).toHaveLength(3);
      expect(Object.values(await contentOf(lake, PATH)).sort()).toEqual(['a', 'b', 'c']);
      expect(manifest.record_count).toBe(3);
    });

    test('a file that has the name of a new part where there is no manifest is replaced', async () => {
      const [part] = (await land(await makeLake(), ['a'])).manifest.files;
      const lake = await makeLake();
      await lake.storage.put(`${PATH}/${part!.path}`, { bytes: new TextEncoder().encode('x') });
      await land(lake, ['a']);
      expect(Object.values(await contentOf(lake, PATH))).toEqual(['a']);
      expect((await verified(lake))?.files).toHaveLength(1);
    });

    test("files that the original's checksums list are replaced too", async () => {
      const lake = await makeLake();
      const put = (name: string, text: string) =>
        lake.storage.put(`${PATH}/${name}`, { bytes: new TextEncoder().encode(text) });
      await put('full-part-0001.parquet', 'old');
      await put(MANIFEST_NAME, '{"timestamp":"2024-01-01T00:00:00Z","record_count":1}');
      await put(
        CHECKSUMS_NAME,
        JSON.stringify({
          files: [{ path: 'full-part-0001.parquet', size_bytes: 3, sha256: '0'.repeat(64) }],
        }),
      );
      const writer = await open(lake);
      expect([writer.previous, writer.holdsData]).toEqual([undefined, true]);
      await writer.discard();
      await land(lake, ['new']);
      expect(Object.values(await contentOf(lake, PATH))).toEqual(['new']);
    });

    test('data files that no manifest lists are replaced by the first commit', async () => {
      const lake = await makeLake();
      await lake.storage.put(`${PATH}/part-0001.csv`, { bytes: new TextEncoder().encode('old') });
      await land(lake, ['new']);
      expect(Object.values(await contentOf(lake, PATH))).toEqual(['new']);
    });

    for (const when of ['before', 'after'] as const) {
      test(`a failure ${when} any call leaves the old generation or the new one whole, and a rerun succeeds`, async () => {
        for (let call = 1; await survivesFault(call, when); call += every);
      }, 60_000);
    }

    /** False once the commit needs fewer calls. */
    async function survivesFault(call: number, when: Fault): Promise<boolean> {
      const storage = await makeStorage();
      await land({ storage }, ['keep', 'old 1', 'old 2']);
      const faulty = faultyStorage(storage, { call, when });
      const outcome = await land({ storage: faulty }, ['keep', 'new']).catch((error: unknown) => error);
      const committed = await openCommitted({ storage }, PATH, {
        verify: true,
        spool: spoolRoot,
        signal: NEVER_STOPPED,
      });
      const rows = committed?.files.length;
      expect(rows === 3 || rows === 2).toBe(true);
      if (!(outcome instanceof Error)) expect(rows).toBe(2);
      await land({ storage }, ['keep', 'new']);
      const after = await verified({ storage });
      expect(after?.files).toHaveLength(2);
      return faulty.calls() >= call;
    }
  });
}
