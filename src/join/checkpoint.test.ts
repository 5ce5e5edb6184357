import { describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { sha256Hex } from '../lake/generation.ts';
import { localStorage } from '../storage/local.ts';
import {
  type JoinProgress,
  progressOf,
  removeWork,
  resumable,
  saveProgress,
  type WorkPlace,
} from './checkpoint.ts';
import { remoteCheckpoint } from './remote-checkpoint.ts';

const OUT = { location: '/out' };
const SAME = { inputs: 'i', config: 'c', version: 'v', plan: 'p' };

function begun(): { readonly place: WorkPlace; readonly progress: JoinProgress; [Symbol.dispose](): void } {
  const root = mkdtempSync(join(tmpdir(), 'foundry-checkpoint-'));
  const place = {
    progressFile: join(root, 'work', 'progress.json'),
    workFolder: join(root, 'join-0123456789abcdef'),
  };
  mkdirSync(place.workFolder);
  const file = join(place.workFolder, 'chunk-0001.parquet.tmp');
  writeFileSync(file, 'rows');
  const chunk = {
    chunk_index: 0,
    record_count: 1,
    right_rows: 1,
    duration_seconds: 0,
    sample_keys: [],
    build_side: null,
    spilled_bytes: 0,
    file,
    size_bytes: 4,
    sha256: sha256Hex('rows'),
  };
  const progress = progressOf({
    format_version: 1,
    join: 'j',
    output: '/out',
    work_folder: place.workFolder,
    fingerprints: SAME,
    chunk_count: 2,
    chunks: [chunk],
  });
  return { place, progress, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

describe('a progress is gone on with', () => {
  test('where inputs, config, strategy and version are the same and every chunk is what was written', async () => {
    using work = begun();
    await saveProgress(work.place, work.progress);
    expect(await resumable(work.place, OUT, SAME)).toEqual({ progress: work.progress });
  });

  test.each([
    [{ ...SAME, inputs: 'x' }, 'the inputs are not the same any more'],
    [{ ...SAME, config: 'x' }, 'the config is not the same any more'],
    [{ ...SAME, version: 'x' }, 'another version of foundry began it'],
    [{ ...SAME, plan: 'x' }, 'the strategy is not the same any more'],
  ])('and not where %o differs: it says why, and its chunks are removed', async (now, reason) => {
    using work = begun();
    await saveProgress(work.place, work.progress);
    expect(await resumable(work.place, OUT, now)).toEqual({ reason });
    expect([work.place.workFolder, work.place.progressFile].map((path) => existsSync(path))).toEqual([
      false,
      false,
    ]);
  });

  test('and not where a chunk is not what was written, or the file is no progress', async () => {
    using work = begun();
    await saveProgress(work.place, work.progress);
    writeFileSync(work.progress.chunks[0]?.file ?? '', 'cut');
    expect(await resumable(work.place, OUT, SAME)).toEqual({ reason: 'chunk 0 is not what was written' });
    mkdirSync(join(work.place.progressFile, '..'), { recursive: true });
    writeFileSync(work.place.progressFile, '{"chunks": 1}');
    expect(await resumable(work.place, OUT, SAME)).toEqual({
      reason: `${work.place.progressFile} cannot be read`,
    });
  });

  test('and another join’s is left alone: each needs a folder of its own', async () => {
    using work = begun();
    await saveProgress(work.place, work.progress);
    const refused = await resumable(work.place, { location: '/other' }, SAME).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(FoundryError);
    expect(refused).toMatchObject({
      code: 'CFG001',
      message: expect.stringContaining('another join, that of /out'),
    });
    expect(existsSync(work.place.workFolder)).toBe(true);
    await removeWork(work.place);
    expect(existsSync(work.place.workFolder)).toBe(false);
  });

  test('but that of another load of the same table is given up, since its lease is held', async () => {
    using work = begun();
    const progress = { ...work.progress, output: '/lake/domain=d/entity=e/v1/load_date=2025-01-05' };
    const table = '/lake/domain=d/entity=e/v1';
    const other = { location: `${table}0/load_date=2025-01-06`, table: `${table}0` };
    await saveProgress(work.place, progress);
    expect(await resumable(work.place, other, SAME).catch((error: unknown) => error)).toMatchObject({
      code: 'CFG001',
    });
    const found = await resumable(work.place, { location: `${table}/load_date=2025-01-06`, table }, SAME);
    expect(found).toEqual({ reason: `it built another load, ${progress.output}` });
    expect(existsSync(work.place.workFolder)).toBe(false);
    expect(existsSync(work.place.progressFile)).toBe(false);
  });

  test('and of a checkpoint on an object store its chunks are removed there too', async () => {
    using work = begun();
    const base = join(work.place.workFolder, '..', 'store');
    const table = '/lake/domain=d/entity=e/v1';
    await remoteCheckpoint(localStorage(base)).save({
      ...work.progress,
      output: `${table}/load_date=2025-01-05`,
    });
    expect(readdirSync(join(base, basename(work.place.workFolder)))).toHaveLength(1);
    const today = {
      progressFile: join(base, '..', 'today', 'progress.json'),
      workFolder: join(base, '..', 'join-fedcba9876543210'),
      copy: remoteCheckpoint(localStorage(base)),
    };
    const found = await resumable(today, { location: `${table}/load_date=2025-01-06`, table }, SAME);
    expect(found).toMatchObject({ reason: expect.stringContaining('it built another load') });
    expect(existsSync(join(base, 'progress.json'))).toBe(false);
    expect(existsSync(join(base, basename(work.place.workFolder), 'chunk-0001.parquet'))).toBe(false);
  });
});
