import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runBronze } from '../../bronze/run.ts';
import { parseConfig } from '../../config/load.ts';
import { systemClock } from '../../core/clock.ts';
import { ERRORS, type ErrorCode, FoundryError, messageOf } from '../../core/errors.ts';
import { noProgress, silentLog } from '../../core/log.ts';
import { engineLimits } from '../../engine/limits.ts';
import { readManifest } from '../../lake/reader.ts';
import { openStorage } from '../../storage/open.ts';
import { runFoundry } from '../binary.ts';
import { readParquet } from '../parquet.ts';
import { FAULTS, type FaultKind } from './faults.ts';
import { ATTEMPTS, apiOptionsOf, inventWorld, startWorld, type World } from './world.ts';

const PARTITION = 'system=s/table=t/pattern=full/dt=2025-01-05';

/** Lands the API at `url` into `lake` and tells how that ended. */
export type Land = (world: World, url: string, lake: string) => Promise<'landed' | ErrorCode>;

/** Through the program's own functions, in this process. */
export const landHere: Land = async (world, url, lake) => {
  const text = JSON.stringify(configOf(world, url, lake));
  const [spec] = parseConfig('world.yaml', text, {}).datasets;
  if (spec === undefined) throw new Error('no dataset');
  try {
    await runBronze(spec, {
      runDate: { date: '2025-01-05' },
      limits: engineLimits({ memoryBytes: 200e6, threads: 1 }),
      signal: new AbortController().signal,
      clock: systemClock,
      log: silentLog,
      progress: noProgress,
    });
    return 'landed';
  } catch (error) {
    if (error instanceof FoundryError && error.code !== 'ERR000') return error.code;
    throw error;
  }
};

/** Through the compiled program, whose exit code has to be that of the error. */
export const landByBinary: Land = async (world, url, lake) => {
  const config = join(dirname(lake), 'world.yaml');
  await writeFile(config, JSON.stringify(configOf(world, url, lake)));
  const args = ['bronze', '--config', config, '--date', '2025-01-05', '--output', 'json', '--quiet'];
  const { code, stdout, stderr } = await runFoundry(args, {
    cwd: dirname(lake),
    env: { PATH: process.env.PATH },
  });
  const { errors } = JSON.parse(stdout) as { errors: { code: ErrorCode }[] };
  const [error] = errors;
  if (code !== (error === undefined ? 0 : ERRORS[error.code].exit)) {
    throw new Error(`exit code ${code} with ${error?.code ?? 'no error'}: ${stderr}`);
  }
  return error?.code ?? 'landed';
};

function configOf(world: World, url: string, lake: string): object {
  return {
    platform: { bronze: { storage_backend: 'local', local_path: lake } },
    source: {
      type: 'api',
      system: 's',
      table: 't',
      api: apiOptionsOf(world, url),
      run: { load_pattern: 'full', max_rows_per_file: 7 },
    },
  };
}

/**
 * One world: landed while its faults are there, looked at, and landed once more when they are gone. Gives what is
 * wrong with how that went; nothing where all is well.
 */
async function faultRun(seed: number, land: Land): Promise<string[]> {
  const world = inventWorld(seed);
  const folder = await mkdtemp(join(tmpdir(), 'foundry-faults-'));
  const lake = join(folder, 'lake');
  const wrong: string[] = [];
  const note = (what: string): void => {
    wrong.push(`seed ${seed}, ${describe(world)}: ${what}`);
  };
  const landFrom = async (from: World): Promise<'landed' | ErrorCode> => {
    const server = await startWorld(from, from.faults);
    try {
      return await land(from, server.url, lake);
    } finally {
      await server.stop();
    }
  };
  try {
    // Two of three worlds replace a partition that must stay whole until then.
    const before = seed % 3 === 0 || world.records.length < 2 ? undefined : world.records.slice(1);
    if (before !== undefined) {
      const ended = await landFrom({ ...world, records: before, faults: [] });
      if (ended !== 'landed') note(`the sound API before it ended with ${ended}`);
    }
    const ended = await landFrom(world);
    const allowed = endsOf(world);
    if (!allowed.has(ended)) note(`ended with ${ended} instead of ${[...allowed].join(' or ')}`);
    const expected = ended === 'landed' ? world.records : before;
    const found = await recordsIn(lake);
    if (!same(found, expected)) note(`after ${ended} the partition holds ${shown(found)}`);
    const again = await landFrom({ ...world, faults: [] });
    if (again !== 'landed') note(`the rerun ended with ${again}`);
    const after = await recordsIn(lake);
    if (!same(after, world.records)) note(`after the rerun the partition holds ${shown(after)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return wrong;
}

/** How a run of the world may end. */
function endsOf({ faults }: World): ReadonlySet<'landed' | ErrorCode> {
  const fatal = faults.filter(({ name, times }) => !FAULTS[name].passes || times >= ATTEMPTS);
  if (fatal.length === 0) return new Set(['landed']);
  return new Set(fatal.flatMap(({ name }) => (FAULTS[name] satisfies FaultKind).codes));
}

/** The records of the committed partition in order, written as the world writes them; undefined where there is none. */
async function recordsIn(lake: string): Promise<string[] | undefined> {
  const manifest = await readManifest({ storage: openStorage(lake) }, PARTITION).catch(() => undefined);
  if (manifest === undefined) return undefined;
  if (manifest.files.length === 0) return [];
  const rows = await readParquet(`${lake}/${PARTITION}/*.parquet`);
  return rows.map((row) => JSON.stringify(comparable(row)));
}

function same(found: readonly string[] | undefined, records: readonly string[] | undefined): boolean {
  if (found === undefined || records === undefined) return found === records;
  return JSON.stringify(found) === JSON.stringify(records.map((text) => JSON.stringify(expected(text))));
}

type Comparable = readonly (string | null)[];

function comparable({ id, big, name, amount, tags }: Record<string, unknown>): Comparable {
  const text = (value: unknown): string | null => (value === null ? null : String(value));
  return [text(id), text(big), text(name), text(amount), text(tags)];
}

/** Of a record as `world.ts` writes it, by the digits of its text. */
function expected(text: string): Comparable {
  const number = (name: string): string | null => new RegExp(`"${name}":(-?[\\d.]+)`).exec(text)?.[1] ?? null;
  const { name } = JSON.parse(text) as { name: string };
  const tags = /"tags": \[ ([\d.]+), "a b" \]/.exec(text)?.[1];
  return [number('id'), number('big'), name, number('amount'), tags === undefined ? null : `[${tags},"a b"]`];
}

function describe({ scheme, records, pageSize, statesTotal, isConcurrent, faults }: World): string {
  const list = faults.map(({ page, name, times }) => `${name}×${times} on page ${page + 1}`).join(', ');
  const traits = [statesTotal ? 'total' : '', isConcurrent ? 'concurrent' : ''].filter(Boolean).join(' ');
  return `${records.length} records by ${scheme} of ${pageSize} ${traits} (${list || 'no fault'})`;
}

function shown(records: readonly string[] | undefined): string {
  if (records === undefined) return 'nothing';
  return `${records.length} records, such as ${records.slice(0, 2).join(' ')}`;
}

/** Runs several worlds at a time, and gives what went wrong in all of them. */
export async function faultRuns(seeds: readonly number[], land: Land, workers: number): Promise<string[]> {
  const wrong: string[] = [];
  const queue = seeds.values();
  const work = async (): Promise<void> => {
    for (const seed of queue) {
      const found = await faultRun(seed, land).catch((error: unknown) => [
        `seed ${seed}: ${messageOf(error)}`,
      ]);
      wrong.push(...found);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return wrong.sort();
}
