/**
 * The oracle of the crash tests: which generation lies in a partition, and whether it is whole. Its own tests show
 * that it sees damage.
 */
import { afterAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import type { Manifest } from '../lake/manifest.ts';
import { queryDuckdb } from '../testing/parquet.ts';
import {
  copyOf,
  emptyLab,
  type Generation,
  removeScratch,
  SCENES,
  type Scene,
  succeed,
  writeSource,
} from './lab.test.ts';

export interface Finding {
  readonly generation: Generation | undefined;
  /** Everything that makes the partition less than whole; empty is well. */
  readonly problems: readonly string[];
}

/** Which generation lies in the scene's partition, by its manifest, its bytes, and a glob over the whole base. */
export async function examine(folder: string, scene: Scene): Promise<Finding> {
  const base = join(folder, scene.base);
  const partition = join(base, scene.partition);
  const { bytes, manifest } = readManifest(partition);
  const problems = [...listedProblems(partition, manifest), ...checksumProblems(partition, manifest, bytes)];
  const own = new Set([...manifest.files.map((file) => file.path), '_metadata.json', '_checksums.json']);
  for (const file of filesBelow(partition)) if (!own.has(file)) problems.push(`not listed: ${file}`);
  for (const file of filesBelow(base)) {
    const isData = /\.(?:parquet|csv)$/.test(file);
    if (isData && !file.startsWith(`${scene.partition}/`)) problems.push(`seen by a glob: ${file}`);
  }
  if (problems.length > 0) return { generation: undefined, problems };
  return generationOf([`${base}/**/*.parquet`], scene);
}

/** The same by what the manifest lists, whatever else lies there. */
export async function examineListed(folder: string, scene: Scene): Promise<Finding> {
  const partition = join(folder, scene.base, scene.partition);
  const { manifest } = readManifest(partition);
  const problems = listedProblems(partition, manifest);
  if (problems.length > 0) return { generation: undefined, problems };
  const files = manifest.files.filter((file) => file.format === 'parquet');
  return generationOf(
    files.map((file) => join(partition, file.path)),
    scene,
  );
}

function readManifest(partition: string): { readonly bytes: Uint8Array; readonly manifest: Manifest } {
  const bytes = readFileSync(join(partition, '_metadata.json'));
  return { bytes, manifest: JSON.parse(bytes.toString()) };
}

function listedProblems(partition: string, manifest: Manifest): string[] {
  return manifest.files.flatMap((file) => {
    const path = join(partition, file.path);
    if (!existsSync(path)) return [`listed but gone: ${file.path}`];
    return sha256(readFileSync(path)) === file.sha256 ? [] : [`other bytes: ${file.path}`];
  });
}

/** By the rows of every artifact that the files or globs hold. */
async function generationOf(paths: readonly string[], scene: Scene): Promise<Finding> {
  const found = await queryDuckdb(
    `SELECT regexp_extract(parse_filename(filename), '(part|state_current|state_history)', 1) AS artifact,
            generation, count(*)::INTEGER AS rows
     FROM read_parquet([${paths.map((path) => `'${path}'`)}], filename = true, hive_partitioning = false)
     GROUP BY ALL`,
  );
  const counts = Object.fromEntries(found.map((row) => [row.artifact, row.rows]));
  const generation = (['old', 'new'] as const).find(
    (one) => found.every((row) => row.generation === one) && Bun.deepEquals(counts, scene.rows[one]),
  );
  const problems = generation === undefined ? [`its rows are ${JSON.stringify(found)}`] : [];
  return { generation, problems };
}

function checksumProblems(partition: string, manifest: Manifest, bytes: Uint8Array): string[] {
  const checksums = JSON.parse(readFileSync(join(partition, '_checksums.json'), 'utf8'));
  const entries = (files: readonly { path: string; sha256: string }[]) =>
    files.map(({ path, sha256: sum }) => `${path} ${sum}`).sort();
  const expected = entries([...manifest.files, { path: '_metadata.json', sha256: sha256(bytes) }]);
  const same =
    checksums.commit_id === manifest.commit_id && Bun.deepEquals(entries(checksums.files), expected);
  return same ? [] : ['_checksums.json is of another generation'];
}

/**
 * What a finished run has no business leaving: everything but configs, sources, partitions, records of runs and lock
 * files, and a record that a kill cut short, which a run of another day sweeps.
 */
export function leftovers(folder: string): string[] {
  return filesBelow(folder).filter(
    (file) =>
      !/^(?:in\/|[a-z]+\.yaml$|(?:bronze|silver)\/(?:system|domain)=)/.test(file) &&
      !/^(?:bronze|silver)\/_runs\/\d{4}-\d\d-\d\d\/[^/]+\.json$/.test(file) &&
      !/^(?:bronze|silver)\/\.foundry\/tmp\/[0-9a-f-]{36}\.tmp$/.test(file) &&
      !/^(?:bronze|silver)\/\.foundry\/locks\/[^/]+\.lock$/.test(file),
  );
}

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A lake in which the scene's old generation is committed and its new one is ready to be read. */
export async function prepare(scene: Scene): Promise<string> {
  const folder = emptyLab();
  for (const generation of ['old', 'new'] as const) {
    await writeSource(folder, generation);
    for (const args of scene.ready) await succeed(folder, args);
    if (generation === 'old') await succeed(folder, scene.args);
  }
  const found = await examine(folder, scene);
  if (found.generation !== 'old' || found.problems.length > 0) {
    throw new Error(`the scene is not ready: ${JSON.stringify(found)}`);
  }
  return folder;
}

afterAll(removeScratch);

describe('the oracle of the crash tests', () => {
  test('tells the old generation from the new one, and sees nothing left behind by a whole run', async () => {
    for (const scene of Object.values(SCENES)) {
      const folder = await prepare(scene);
      expect(leftovers(folder)).toEqual([]);
      await succeed(folder, scene.args);
      expect(await examine(folder, scene)).toEqual({ generation: 'new', problems: [] });
      expect(leftovers(folder)).toEqual([]);
    }
  }, 60_000);

  test('sees a missing file, a changed byte, a file too many, another generation’s file and a staged one', async () => {
    const scene = SCENES.rows;
    const prepared = await prepare(scene);
    const partition = (folder: string): string => join(folder, scene.base, scene.partition);
    const partOf = (folder: string): string => join(partition(folder), partsOf(partition(folder))[0] ?? '');
    const damages: readonly ((folder: string) => void)[] = [
      (folder) => unlinkSync(partOf(folder)),
      (folder) => appendFileSync(partOf(folder), 'x'),
      (folder) => cpSync(partOf(folder), `${partOf(folder)}.parquet`),
      (folder) => cpSync(partOf(folder), join(folder, 'bronze', '.foundry', basename(partOf(folder)))),
      (folder) => appendFileSync(join(partition(folder), '_metadata.json'), '\n'),
    ];
    for (const damage of damages) {
      const folder = copyOf(prepared);
      damage(folder);
      expect((await examine(folder, scene)).problems).not.toEqual([]);
    }
  }, 60_000);
});

function partsOf(partition: string): string[] {
  return filesBelow(partition).filter((file) => file.endsWith('.parquet'));
}
