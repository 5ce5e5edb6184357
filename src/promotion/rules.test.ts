import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { DeleteMode, SilverModelName, SilverSpec } from '../config/spec.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { promoteRows, silverSpec } from '../testing/silver-kit.ts';
import type { Snapshot } from './missing.ts';

const RUNS = process.env.FOUNDRY_SOAK === '1' ? 1000 : undefined;
const TIMEOUT = RUNS === undefined ? 60_000 : 1_800_000;

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-rules-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

const COLUMNS = {
  id: 'VARCHAR',
  ts: 'VARCHAR',
  op: 'VARCHAR',
  v: 'VARCHAR',
  w: 'INTEGER',
  is_deleted: 'BOOLEAN',
};
const CDC = { operationColumn: 'op', live: ['I', 'U', 'R'], deleted: ['D', 'X'] };

type Cell = string | null;
interface Row {
  readonly id: Cell;
  readonly ts: Cell;
  readonly op: Cell;
  readonly v: Cell;
  readonly w: Cell;
  readonly is_deleted: Cell;
}
interface Partition {
  readonly isSnapshot: boolean;
  readonly rows: readonly Row[];
}
interface Settings {
  readonly model: SilverModelName;
  readonly deleteMode: DeleteMode;
  readonly keepTombstones: boolean;
  readonly collapseUnchanged: boolean;
  readonly hasCodes: boolean;
  /** `w` breaks ties. */
  readonly hasSequence: boolean;
  readonly detectMissing: boolean;
}
type Out = Record<string, Cell>;

const row: fc.Arbitrary<Row> = fc.record({
  id: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('a', 'b') },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  ts: fc.oneof(
    // Midnights are the dates of snapshots too.
    {
      weight: 14,
      arbitrary: fc
        .integer({ min: 0, max: 9 })
        .map((n) => `2025-01-0${(n % 5) + 1}T${n < 5 ? '00' : '12'}:00:00`),
    },
    { weight: 1, arbitrary: fc.constantFrom(null, 'garbage') },
  ),
  op: fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom('I', 'U', 'R', ' U ', 'D', 'X') },
    { weight: 1, arbitrary: fc.constantFrom(null, 'i', '', 'DELETE') },
  ),
  v: fc.constantFrom('x', 'y', '', null),
  w: fc.constantFrom('1', '2', null),
  is_deleted: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(null, 'false') },
    { weight: 1, arbitrary: fc.constant('true') },
  ),
});

const partitions: fc.Arbitrary<readonly Partition[]> = fc
  .array(fc.record({ isSnapshot: fc.boolean(), rows: fc.array(row, { maxLength: 8 }) }), {
    minLength: 1,
    maxLength: 5,
  })
  .filter((found) => {
    const times = found.flatMap(({ rows }) => rows.map((one) => one.ts)).filter((ts) => ts !== null);
    return times.length === 0 || times.some((ts) => ts !== 'garbage');
  });

const settingsOf = (
  models: readonly SilverModelName[],
  modes: readonly DeleteMode[],
): fc.Arbitrary<Settings> =>
  fc.record({
    model: fc.constantFrom(...models),
    deleteMode: fc.constantFrom(...modes),
    keepTombstones: fc.boolean(),
    collapseUnchanged: fc.boolean(),
    hasCodes: fc.boolean(),
    hasSequence: fc.boolean(),
    detectMissing: fc.boolean(),
  });

const STATES = ['state_scd1', 'state_scd2', 'scd_type_1', 'scd_type_2', 'full_merge_dedupe'] as const;
const ofStates = settingsOf(STATES, ['ignore', 'tombstone_state', 'hard_delete']);
const ofChanges = settingsOf(['derived_event'], ['ignore', 'tombstone_event', 'hard_delete']);

function attributesOf({ hasCodes, hasSequence }: Settings): readonly ('w' | 'v' | 'op')[] {
  return [...(hasSequence ? [] : ['w' as const]), 'v', ...(hasCodes ? [] : ['op' as const])];
}

function specOf(settings: Settings): SilverSpec {
  const { hasCodes, hasSequence, ...rest } = settings;
  const isClassic = STATES.slice(2).some((model) => model === settings.model);
  const { attributes: _attributes, schemaMode: _mode, ...bare } = silverSpec();
  return {
    ...bare,
    ...rest,
    ...(!isClassic && {
      attributes: attributesOf(settings),
      schemaMode: 'strict' as const,
    }),
    ...(hasCodes && { cdc: CDC }),
    ...(hasSequence && { sequenceColumn: 'w' }),
    partitioning: { columns: [], none: true, keepColumns: false },
    errorHandling: { enabled: true, maxBadRecords: 1000, maxBadPercent: 100 },
  };
}

const sqlTime = (ts: Cell): Cell => ts?.replace('T', ' ') ?? null;
const dateOfPartition = (index: number): string => `2025-01-0${index + 1}`;

interface Version {
  readonly row: Row;
  readonly at: string;
  readonly part: number;
  readonly isDeleted: boolean;
  readonly isMade: boolean;
}

/** The rules, spelled out key by key and row by row. */
function oracle(input: readonly Partition[], settings: Settings) {
  const { model, deleteMode } = settings;
  const isClassic = STATES.slice(2).some((name) => name === model);
  const looksAtFlag = !isClassic || deleteMode !== 'ignore';
  const known = [...CDC.live, ...CDC.deleted];
  const byKey = new Map<string, Version[]>();
  let bad = 0;
  input.forEach(({ rows, isSnapshot }, part) => {
    for (const one of rows) {
      const code = one.op?.trim();
      const hasPlace = one.id !== null && one.ts !== null && one.ts !== 'garbage';
      const isKnown = !settings.hasCodes || (code === undefined ? isSnapshot : known.includes(code));
      if (!hasPlace || !isKnown) {
        bad += 1;
        continue;
      }
      const byCode = settings.hasCodes && code !== undefined && CDC.deleted.includes(code);
      const isDeleted = byCode || (looksAtFlag && one.is_deleted === 'true');
      const all = byKey.get(one.id ?? '') ?? [];
      const tied = all.find((other) => other.at === one.ts);
      if (settings.hasSequence && Number(tied?.row.w ?? -1) > Number(one.w ?? -1)) continue;
      const versions = all.filter((other) => other !== tied);
      byKey.set(one.id ?? '', [...versions, { row: one, at: one.ts ?? '', part, isDeleted, isMade: false }]);
    }
  });

  let missing = 0;
  const artifacts: Record<string, Out[]> = {};
  for (const [id, found] of byKey) {
    let versions = found.sort((a, b) => (a.at < b.at ? -1 : 1));
    if (settings.detectMissing && deleteMode !== 'ignore') {
      input.forEach(({ isSnapshot, rows }, part) => {
        if (!isSnapshot) return;
        const at = `${dateOfPartition(part)}T00:00:00`;
        const isLater = (one: Version): boolean =>
          one.part >= part || (settings.hasSequence && one.row.w !== null);
        const before = versions.filter((one) => one.at < at || (one.at === at && !isLater(one)));
        const last = before.at(-1);
        if (last === undefined || versions.some((one) => one.at === at && isLater(one))) return;
        const isHeld = rows.some((one) => one.id === id);
        const isGone = !last.isDeleted && !isHeld;
        if (!isGone && !(last.isDeleted && last.isMade && isHeld)) return;
        if (isGone) missing += 1;
        const made = { row: last.row, at, part, isDeleted: isGone, isMade: true };
        versions = [...versions.filter((one) => one.at !== at), made].sort((a, b) => (a.at < b.at ? -1 : 1));
      });
    }
    if (deleteMode === 'hard_delete')
      versions = versions.slice(versions.findLastIndex((one) => one.isDeleted) + 1);
    const emit = (artifact: string, { row: one, at }: Version, extra: Out): void => {
      const { op, is_deleted, ...rest } = one;
      artifacts[artifact] = [
        ...(artifacts[artifact] ?? []),
        {
          ...rest,
          ts: isClassic ? one.ts : sqlTime(at),
          ...(!settings.hasCodes && { op }),
          ...(deleteMode !== 'tombstone_state' && { is_deleted }),
          ...extra,
        },
      ];
    };
    if (model === 'derived_event') tellChanges(versions, settings, emit);
    else tellStates(versions, settings, emit);
  }
  return { artifacts, bad, missing };
}

type Emit = (artifact: string, version: Version, extra: Out) => void;

function tellChanges(versions: readonly Version[], settings: Settings, emit: Emit): void {
  const { deleteMode } = settings;
  const attributes = attributesOf(settings);
  let before: Row | undefined;
  for (const version of versions) {
    if (version.isDeleted && deleteMode === 'tombstone_event') {
      emit('derived_events', version, { change_type: 'delete', changed_columns: '' });
      before = undefined;
      continue;
    }
    const last = before;
    before = version.row;
    const changed = attributes.filter((name) => last === undefined || last[name] !== version.row[name]);
    const type = last === undefined ? 'upsert' : changed.length === 0 ? 'noop' : 'update';
    if (type === 'noop' && deleteMode === 'ignore') continue;
    emit('derived_events', version, { change_type: type, changed_columns: changed.join(',') });
  }
}

function tellStates(found: readonly Version[], settings: Settings, emit: Emit): void {
  const { model, deleteMode, keepTombstones, collapseUnchanged, hasCodes, hasSequence } = settings;
  const isTombstoning = deleteMode === 'tombstone_state';
  const keepsHistory = model === 'state_scd2' || model === 'scd_type_2';
  const isClassic = STATES.slice(2).some((name) => name === model);
  let versions = deleteMode === 'ignore' ? found.filter((one) => !one.isDeleted) : found;
  if (collapseUnchanged && keepsHistory) {
    const of = ({ row: one, isDeleted }: Version): string =>
      JSON.stringify([
        one.v,
        hasSequence ? '' : one.w,
        hasCodes ? '' : one.op,
        isDeleted,
        isClassic && deleteMode === 'ignore' ? one.is_deleted : '',
      ]);
    versions = versions.filter((one, i) => {
      const last = versions[i - 1];
      return last === undefined || of(one) !== of(last);
    });
  }
  const [history, current] =
    model === 'scd_type_2' ? ['history', 'current'] : ['state_history', 'state_current'];
  const single =
    { scd_type_1: 'current', full_merge_dedupe: 'full_snapshot' }[model as string] ?? 'state_current';
  versions.forEach((version, i) => {
    const next = versions[i + 1];
    const isTombstone = isTombstoning && version.isDeleted;
    const flag: Out = isTombstoning ? { is_deleted: isTombstone ? '1' : '0' } : {};
    const extra: Out = keepsHistory
      ? {
          effective_from: sqlTime(version.at),
          effective_to: sqlTime(next?.at ?? null),
          is_current: next === undefined && !isTombstone ? '1' : '0',
          ...flag,
        }
      : flag;
    if (keepsHistory) emit(history ?? '', version, extra);
    if (next !== undefined || (isTombstone && !keepTombstones)) return;
    emit(keepsHistory ? (current ?? '') : single, version, extra);
  });
}

const canonical = (rows: readonly Out[] | undefined): string[] =>
  (rows ?? []).map((one) => JSON.stringify(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();

const snapshotsOf = (input: readonly Partition[]): Snapshot[] =>
  input.flatMap(({ isSnapshot }, index) =>
    isSnapshot ? [{ date: dateOfPartition(index), firstPart: index, parts: 1 }] : [],
  );

const promoteAll = (input: readonly Partition[], settings: Settings) =>
  promoteRows(
    engine,
    root,
    specOf(settings),
    COLUMNS,
    input.map(({ rows }) => rows.map((one) => ({ ...one }))),
    snapshotsOf(input),
  );

async function compare(input: readonly Partition[], settings: Settings): Promise<void> {
  const { promoted, artifacts } = await promoteAll(input, settings);
  const expected = oracle(input, settings);
  for (const { artifact } of promoted.artifacts) {
    expect([artifact, canonical(artifacts[artifact])]).toEqual([
      artifact,
      canonical(expected.artifacts[artifact]),
    ]);
  }
  expect(Object.keys(expected.artifacts).filter((name) => artifacts[name] === undefined)).toEqual([]);
  const { read, ...where } = promoted.counts;
  expect(read).toBe(input.reduce((sum, { rows }) => sum + rows.length, 0));
  expect(Object.values(where).reduce((sum, count) => sum + count, 0)).toBe(read);
  expect([where.quarantined, promoted.missing]).toEqual([expected.bad, expected.missing]);
}

describe('over partitions of snapshots and changes, with operation codes and keys that go missing', () => {
  test(
    'states are those of an oracle that knows the rules key by key',
    async () => {
      await fc.assert(fc.asyncProperty(partitions, ofStates, compare), { numRuns: RUNS ?? 40 });
    },
    TIMEOUT,
  );

  test(
    'derived events are those of an oracle that knows the rules key by key',
    async () => {
      await fc.assert(fc.asyncProperty(partitions, ofChanges, compare), { numRuns: RUNS ?? 30 });
    },
    TIMEOUT,
  );
});

describe('the current state of a stream of changes', () => {
  interface Change {
    readonly id: string;
    readonly v: string | null;
    readonly kind: 'write' | 'delete';
  }
  const change: fc.Arbitrary<Change> = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    v: fc.constantFrom('x', 'y', '', null),
    kind: fc.oneof(
      { weight: 3, arbitrary: fc.constant('write') },
      { weight: 1, arbitrary: fc.constant('delete') },
    ),
  });
  const days = fc.array(fc.array(change, { maxLength: 8 }), { minLength: 1, maxLength: 5 });
  const models = fc.constantFrom(...STATES);
  const modes = fc.constantFrom<DeleteMode>('tombstone_state', 'hard_delete');
  const plain = { keepTombstones: false, collapseUnchanged: false, hasSequence: false };

  /** The source day by day: its changes, as a stream tells them, and what it holds at the end of the day. */
  function played(input: readonly (readonly Change[])[]) {
    const source = new Map<string, Row>();
    return input.map((changes, day) => {
      const stream = changes.map(({ id, v, kind }, n): Row => {
        const op = kind === 'delete' ? 'D' : source.has(id) ? 'U' : 'I';
        const ts = `${dateOfPartition(day)}T0${n}:00:00`;
        const told: Row = { id, ts, op, v: kind === 'delete' ? null : v, w: '1', is_deleted: null };
        if (kind === 'delete') source.delete(id);
        else source.set(id, told);
        return told;
      });
      return { stream, holds: [...source.values()] };
    });
  }

  const pairs = (rows: readonly Out[] | undefined): string[] =>
    (rows ?? []).map((one) => JSON.stringify([one.id, one.v])).sort();

  async function currentOf(input: readonly Partition[], settings: Settings): Promise<string[]> {
    const { artifacts, promoted } = await promoteAll(input, settings);
    return pairs(artifacts[promoted.artifacts.at(-1)?.artifact ?? '']);
  }

  test(
    'equals a snapshot of the source at that moment, in whatever order and batches the stream arrived',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          days,
          models,
          modes,
          fc.infiniteStream(fc.nat()),
          async (input, model, deleteMode, random) => {
            const told = played(input);
            const stream = told.flatMap((day) => day.stream);
            const shuffled = stream
              .map((one) => ({ one, at: random.next().value }))
              .sort((a, b) => a.at - b.at)
              .map(({ one }) => one);
            const settings = { ...plain, model, deleteMode, hasCodes: true, detectMissing: false };
            const batches = [shuffled.slice(0, 7), shuffled.slice(7)].map((batch) => ({
              isSnapshot: false,
              rows: batch,
            }));
            expect(await currentOf(batches, settings)).toEqual(
              pairs(told.at(-1)?.holds.map((one) => ({ ...one }))),
            );
          },
        ),
        { numRuns: RUNS ?? 12 },
      );
    },
    TIMEOUT,
  );

  test(
    'and of daily snapshots alone, with detect_missing, is the newest snapshot',
    async () => {
      await fc.assert(
        fc.asyncProperty(days, models, modes, async (input, model, deleteMode) => {
          // What a day ends with is what the snapshot of the next morning holds.
          const told = played([...input, []].slice(0, 6));
          const snapshots = told.map((_, day) => ({ isSnapshot: true, rows: told[day - 1]?.holds ?? [] }));
          const settings = { ...plain, model, deleteMode, hasCodes: false, detectMissing: true };
          expect(await currentOf(snapshots, settings)).toEqual(
            pairs(told.at(-1)?.holds.map((one) => ({ ...one }))),
          );
        }),
        { numRuns: RUNS ?? 12 },
      );
    },
    TIMEOUT,
  );
});

test(
  'derived events do not depend on the order, the batches or the repetition of rows',
  async () => {
    const untied = fc.uniqueArray(row, {
      maxLength: 16,
      selector: (one) => JSON.stringify([one.id, one.ts]),
    });
    await fc.assert(
      fc.asyncProperty(
        untied.filter((rows) => rows.some((one) => one.ts?.startsWith('2025') === true)),
        ofChanges,
        fc.infiniteStream(fc.nat()),
        async (rows, drawn, random) => {
          const settings = { ...drawn, detectMissing: false, hasSequence: false };
          const shuffled = rows
            .map((one) => ({ one, at: random.next().value }))
            .sort((a, b) => a.at - b.at)
            .map(({ one }) => one);
          const hashes = async (...batches: (readonly Row[])[]): Promise<unknown> => {
            const input = batches.map((batch) => ({ isSnapshot: false, rows: batch }));
            const { promoted } = await promoteAll(input, settings);
            return promoted.parts.filter((part) => part.role === 'data').map((part) => part.sha256);
          };
          const first = await hashes(rows);
          expect(await hashes(shuffled.slice(0, 5), shuffled.slice(5))).toEqual(first);
          expect(await hashes(rows, shuffled)).toEqual(first);
        },
      ),
      { numRuns: RUNS ?? 12 },
    );
  },
  TIMEOUT,
);
