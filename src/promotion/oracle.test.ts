import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { DeleteMode, SilverModelName, SilverSpec } from '../config/spec.ts';
import { noProgress, silentLog } from '../core/log.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { promoteRows, type Rows, silverDataset, silverSpec } from '../testing/silver-kit.ts';
import { promote } from './promote.ts';

const RUNS = process.env.FOUNDRY_SOAK === '1' ? 1000 : undefined;
const TIMEOUT = RUNS === undefined ? 60_000 : 1_800_000;

let root: string;
let engine: Engine;
let single: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-oracle-'));
  const limits = { memoryBytes: 300e6, spillFolder: root };
  [engine, single] = [
    await openEngine({ ...limits, threads: 2 }),
    await openEngine({ ...limits, threads: 1 }),
  ];
});
afterAll(async () => {
  await engine.close();
  await single.close();
  rmSync(root, { recursive: true });
});

const COLUMNS = {
  id: 'VARCHAR',
  k2: 'INTEGER',
  ts: 'VARCHAR',
  v: 'VARCHAR',
  is_deleted: 'VARCHAR',
  part: 'VARCHAR',
};

interface InputRow {
  readonly id: string | null;
  readonly k2: string | null;
  readonly ts: string | null;
  readonly v: string | null;
  readonly is_deleted: string | null;
  readonly part: string | null;
}

const inputRow: fc.Arbitrary<InputRow> = fc.record({
  id: fc.constantFrom('a', 'b', 'NULL', '', null),
  k2: fc.constantFrom('1', '2', '1', null),
  ts: fc.oneof(
    {
      weight: 9,
      arbitrary: fc.integer({ min: 1, max: 6 }).map((n) => `2025-01-0${(n % 3) + 1}T0${n}:00:00`),
    },
    { weight: 1, arbitrary: fc.constantFrom(null, 'garbage') },
  ),
  v: fc.constantFrom('x', 'y', '', null),
  is_deleted: fc.constantFrom(null, 'false', 'N', '0', 'true', 'T', '1'),
  part: fc.constantFrom('p', 'q r', null),
});

interface Settings {
  readonly model: SilverModelName;
  readonly deleteMode: DeleteMode;
  readonly keepTombstones: boolean;
  readonly collapseUnchanged: boolean;
  readonly inputMode: 'append_log' | 'replace_daily';
}

const stateSettings: fc.Arbitrary<Settings> = fc.record({
  model: fc.constantFrom<SilverModelName>('state_scd1', 'state_scd2'),
  deleteMode: fc.constantFrom<DeleteMode>('ignore', 'tombstone_state', 'hard_delete'),
  keepTombstones: fc.boolean(),
  collapseUnchanged: fc.boolean(),
  inputMode: fc.constant('append_log'),
});

const eventSettings: fc.Arbitrary<Settings> = fc.record({
  model: fc.constant('event'),
  deleteMode: fc.constantFrom<DeleteMode>('ignore', 'tombstone_event', 'hard_delete'),
  keepTombstones: fc.constant(false),
  collapseUnchanged: fc.constant(false),
  inputMode: fc.constantFrom('append_log', 'replace_daily'),
});

function specOf(settings: Settings): SilverSpec {
  return silverSpec({
    ...settings,
    keys: ['id', 'k2'],
    attributes: ['v', 'part'],
    partitioning: { columns: ['part'], keepColumns: false },
    errorHandling: { enabled: true, maxBadRecords: 1000, maxBadPercent: 100 },
  });
}

type Out = Record<string, string | null>;

const isDeleted = (row: InputRow): boolean =>
  ['true', 't', '1'].includes((row.is_deleted ?? '').toLowerCase());
const sqlTime = (ts: string): string => ts.replace('T', ' ');

/** The rules of row-semantics, spelled out row by row. */
function oracle(
  rows: readonly InputRow[],
  settings: Settings,
): { artifacts: Record<string, Out[]>; quarantined: number } {
  const good = rows.filter(
    (row) => row.id !== null && row.k2 !== null && row.ts !== null && row.ts !== 'garbage',
  );
  const byKey = new Map<string, Map<string, InputRow>>();
  for (const row of good) {
    const key = JSON.stringify([row.id, row.k2]);
    const times = byKey.get(key) ?? new Map<string, InputRow>();
    times.set(row.ts ?? '', row);
    byKey.set(key, times);
  }
  const artifacts: Record<string, Out[]> = {};
  const emit = (artifact: string, row: InputRow, extra: Out): void => {
    const { is_deleted, ...rest } = row;
    const list = artifacts[artifact] ?? [];
    artifacts[artifact] = list;
    const flag = settings.deleteMode === 'tombstone_state' ? {} : { is_deleted };
    list.push({ ...rest, ts: sqlTime(row.ts ?? ''), ...flag, ...extra });
  };

  for (const times of byKey.values()) {
    let versions = [...times.values()].sort((a, b) => ((a.ts ?? '') < (b.ts ?? '') ? -1 : 1));
    if (settings.deleteMode === 'hard_delete') {
      versions = versions.slice(versions.findLastIndex(isDeleted) + 1);
    }
    if (settings.model === 'event') {
      if (settings.inputMode === 'replace_daily') {
        versions = versions.filter((row, i) => row.ts?.slice(0, 10) !== versions[i + 1]?.ts?.slice(0, 10));
      }
      for (const row of versions) {
        const change = { change_type: isDeleted(row) ? 'delete' : 'upsert' };
        emit('events', row, settings.deleteMode === 'tombstone_event' ? change : {});
      }
      continue;
    }
    if (settings.deleteMode === 'ignore') versions = versions.filter((row) => !isDeleted(row));
    if (settings.collapseUnchanged && settings.model === 'state_scd2') {
      const same = (a: InputRow, b: InputRow | undefined): boolean =>
        b !== undefined && a.v === b.v && a.part === b.part && isDeleted(a) === isDeleted(b);
      versions = versions.filter((row, i) => !same(row, versions[i - 1]));
    }
    versions.forEach((row, i) => {
      const next = versions[i + 1];
      const tombstone = settings.deleteMode === 'tombstone_state' && isDeleted(row);
      const flag: Out =
        settings.deleteMode === 'tombstone_state' ? { is_deleted: tombstone ? '1' : '0' } : {};
      const interval: Out = {
        effective_from: sqlTime(row.ts ?? ''),
        effective_to: next === undefined ? null : sqlTime(next.ts ?? ''),
        is_current: next === undefined && !tombstone ? '1' : '0',
      };
      const inCurrent = next === undefined && (!tombstone || settings.keepTombstones);
      const extra = settings.model === 'state_scd2' ? { ...interval, ...flag } : flag;
      if (settings.model === 'state_scd2') emit('state_history', row, extra);
      if (inCurrent) emit('state_current', row, extra);
    });
  }
  return { artifacts, quarantined: rows.length - good.length };
}

const canonical = (rows: readonly Out[] | undefined): string[] =>
  (rows ?? []).map((row) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();

function asRows(rows: readonly InputRow[]): Rows {
  return rows.map((row) => ({ ...row }));
}

function inBatches(rows: readonly InputRow[], cuts: number): Rows[] {
  const size = Math.ceil(rows.length / cuts) || 1;
  return Array.from({ length: Math.max(1, Math.ceil(rows.length / size)) }, (_, i) =>
    asRows(rows.slice(i * size, (i + 1) * size)),
  );
}

/** Without a single timestamp the column has no order at all, which is its own test. */
const ordered = fc
  .array(inputRow, { maxLength: 24 })
  .filter(
    (rows) =>
      rows.every((row) => row.ts === null) || rows.some((row) => row.ts !== null && row.ts !== 'garbage'),
  );

async function compare(rows: readonly InputRow[], settings: Settings, cuts: number): Promise<void> {
  const { promoted, artifacts } = await promoteRows(
    engine,
    root,
    specOf(settings),
    COLUMNS,
    inBatches(rows, cuts),
  );
  const expected = oracle(rows, settings);
  const names = settings.model === 'event' ? ['events'] : ['state_history', 'state_current'];
  for (const name of names) expect(canonical(artifacts[name])).toEqual(canonical(expected.artifacts[name]));
  const { read, ...where } = promoted.counts;
  expect(where.quarantined).toBe(expected.quarantined);
  expect(Object.values(where).reduce((sum, count) => sum + count, 0)).toBe(read);
  expect(read).toBe(rows.length);
}

describe('against an oracle that knows the rules row by row', () => {
  test(
    'state models give exactly its rows, whatever is in the input',
    async () => {
      await fc.assert(fc.asyncProperty(ordered, stateSettings, fc.integer({ min: 1, max: 3 }), compare), {
        numRuns: RUNS ?? 70,
      });
    },
    TIMEOUT,
  );

  test(
    'event models give exactly its rows, whatever is in the input',
    async () => {
      await fc.assert(fc.asyncProperty(ordered, eventSettings, fc.integer({ min: 1, max: 3 }), compare), {
        numRuns: RUNS ?? 50,
      });
    },
    TIMEOUT,
  );
});

test(
  'shuffling, splitting and repeating the rows changes nothing, nor do threads change a byte',
  async () => {
    const untied = fc.uniqueArray(inputRow, {
      maxLength: 24,
      selector: (row) => JSON.stringify([row.id, row.k2, row.ts]),
    });
    await fc.assert(
      fc.asyncProperty(
        untied.filter((rows) => rows.some((row) => row.ts?.startsWith('2025') === true)),
        fc.oneof(stateSettings, eventSettings),
        fc.infiniteStream(fc.nat()),
        async (rows, settings, random) => {
          const keyed = rows.map((row) => ({ row, at: random.next().value }));
          const shuffled = keyed.sort((a, b) => a.at - b.at).map(({ row }) => row);
          const bytes = async (with_: Engine, batches: readonly Rows[]): Promise<unknown> => {
            const { promoted } = await promoteRows(with_, root, specOf(settings), COLUMNS, batches);
            const data = promoted.parts.filter((part) => part.role === 'data');
            return data.map(({ artifact, folder, sha256 }) => [artifact, folder, sha256]);
          };
          const first = await bytes(engine, inBatches(rows, 1));
          expect(await bytes(single, inBatches(shuffled, 3))).toEqual(first);
          expect(await bytes(engine, [...inBatches(rows, 1), asRows(shuffled)])).toEqual(first);
        },
      ),
      { numRuns: RUNS ?? 15 },
    );
  },
  TIMEOUT,
);

test(
  'history has contiguous intervals that are never empty, and one current version per live key',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        ordered,
        fc.constantFrom<DeleteMode>('ignore', 'tombstone_state', 'hard_delete'),
        async (rows, deleteMode) => {
          const settings = {
            model: 'state_scd2',
            deleteMode,
            keepTombstones: false,
            collapseUnchanged: false,
            inputMode: 'append_log',
          } as const;
          const { artifacts } = await promoteRows(engine, root, specOf(settings), COLUMNS, [asRows(rows)]);
          const byKey = Map.groupBy(artifacts.state_history ?? [], (row) => JSON.stringify([row.id, row.k2]));
          for (const versions of byKey.values()) {
            const sorted = versions.sort((a, b) =>
              (a.effective_from ?? '') < (b.effective_from ?? '') ? -1 : 1,
            );
            sorted.forEach((version, i) => {
              expect(version.effective_to).toBe(sorted[i + 1]?.effective_from ?? null);
              expect(version.effective_to).not.toBe(version.effective_from ?? '');
            });
            const live = sorted.at(-1)?.is_deleted !== '1' || deleteMode !== 'tombstone_state';
            expect(sorted.filter((version) => version.is_current === '1').length).toBe(live ? 1 : 0);
          }
        },
      ),
      { numRuns: RUNS ?? 20 },
    );
  },
  TIMEOUT,
);

test(
  'many row groups come out byte for byte the same with one and with two threads',
  async () => {
    const file = join(root, 'large.parquet');
    await engine.execute(
      `COPY (SELECT (i * 7919 % 40000)::VARCHAR AS id, (TIMESTAMP '2025-01-01' + INTERVAL ((i * 31) % 400009) SECOND)::VARCHAR AS ts, ` +
        `'v' || i AS v, 'it''s ' || (i % 3) AS p FROM range(400000) t(i)) TO '${file}' (FORMAT parquet)`,
    );
    const cases = [
      { model: 'scd_type_2', partitioning: { columns: [], keepColumns: false } },
      { model: 'scd_type_2', partitioning: { columns: ['p'], keepColumns: false } },
      { model: 'event', partitioning: { columns: ['ts_dt'], keepColumns: false } },
      { model: 'periodic_snapshot', partitioning: { columns: [], keepColumns: false } },
    ] as const;
    for (const [index, over] of cases.entries()) {
      const hashes = [];
      for (const with_ of [engine, single]) {
        const spool = mkdtempSync(join(root, `large-${index}-`));
        const promoted = await promote(
          with_,
          silverDataset(silverSpec({ attributes: ['v', 'p'], ...over })),
          [{ localPath: file, name: 'large.parquet' }],
          { fields: [] },
          spool,
          {
            runDate: { date: '2025-01-05' },
            signal: new AbortController().signal,
            log: silentLog,
            progress: noProgress,
          },
        );
        hashes.push(promoted.parts.map((part) => [part.folder, part.sha256]));
        const total = promoted.parts.reduce(
          (sum, part) => sum + (part.artifact === 'current' ? 0 : part.rows),
          0,
        );
        expect(total).toBe(400_000);
      }
      expect(hashes[1]).toEqual(hashes[0] ?? []);
    }
  },
  TIMEOUT,
);
