import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { JOIN_TYPES } from '../config/join/spec.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { joined, joinOptions, putSilver, rowsSql } from '../testing/join-kit.ts';

const RUNS = process.env.FOUNDRY_SOAK === '1' ? 300 : 12;

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-as-of-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

type Event = readonly [id: number, k: string | null, at: number | null];
type Version = readonly [rid: number, k: string | null, from: number | null, to: number | null];

const key = fc.constantFrom('a', 'b', null);
const time = fc.constantFrom(1, 2, 3, 4, 5, null);
const events = fc
  .array(fc.tuple(key, time), { maxLength: 6 })
  .map((rows) => rows.map(([k, at], index): Event => [index, k, at]));
const versions = fc
  .array(fc.tuple(key, time, time), { maxLength: 6 })
  .map((rows) => rows.map(([k, from, to], index): Version => [index, k, from, to]));

/** The type of the times, and how the n-th of them is written. */
const CLOCKS = [
  { type: 'TIMESTAMP', write: (at: number) => `2025-01-0${at} 12:00:00` },
  { type: 'DATE', write: (at: number) => `2025-01-0${at}` },
  { type: 'BIGINT', write: (at: number) => at },
  { type: 'TIMESTAMP WITH TIME ZONE', write: (at: number) => `2025-01-0${at} 12:00:00+00` },
] as const;

const holds = ([, k, at]: Event, [, key2, from, to]: Version): boolean =>
  k !== null && k === key2 && at !== null && from !== null && from <= at && (to === null || at < to);

test(
  'an as-of join gives each event the versions whose interval holds its time, by every join type and strategy',
  async () => {
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        events,
        versions,
        fc.constantFrom(...JOIN_TYPES),
        fc.constantFrom(
          {},
          { join_strategy: 'hash', chunk_size: 2 },
          { join_strategy: 'partitioned', chunk_size: 2 },
        ),
        fc.constantFrom(...CLOCKS),
        async (left, right, type, how, clock) => {
          n += 1;
          const base = join(root, `run-${n}`);
          const at = (value: number | null) => (value === null ? null : clock.write(value));
          await putSilver(engine, base, 'left', {
            artifacts: {
              events: rowsSql(
                { id: 'BIGINT', k: 'VARCHAR', at: clock.type },
                left.map(([id, k, ts]) => [id, k, at(ts)]),
              ),
            },
          });
          await putSilver(engine, base, 'right', {
            artifacts: {
              state_history: rowsSql(
                { rid: 'BIGINT', k: 'VARCHAR', effective_from: clock.type, effective_to: clock.type },
                right.map(([rid, k, from, to]) => [rid, k, at(from), at(to)]),
              ),
            },
          });
          const takesRight = type !== 'semi' && type !== 'anti';
          const { report, rows } = await joined(
            engine,
            {
              left: { path: join(base, 'left') },
              right: { path: join(base, 'right') },
              output: {
                path: join(base, 'out'),
                join_type: type,
                join_keys: ['k'],
                as_of: { left: 'at' },
                select_columns: takesRight ? ['id', 'rid'] : ['id'],
                ...how,
              },
            },
            joinOptions(root),
          );
          const expected: string[] = [];
          for (const event of left) {
            const found = right.filter((version) => holds(event, version));
            if (takesRight) for (const version of found) expected.push(`${event[0]} ${version[0]}`);
            if (type === 'semi' && found.length > 0) expected.push(`${event[0]} undefined`);
            if (type === 'anti' && found.length === 0) expected.push(`${event[0]} undefined`);
            if ((type === 'left' || type === 'outer') && found.length === 0)
              expected.push(`${event[0]} null`);
          }
          if (type === 'right' || type === 'outer') {
            for (const version of right)
              if (!left.some((event) => holds(event, version))) expected.push(`null ${version[0]}`);
          }
          expect(rows.map(({ id, rid }) => `${id} ${rid}`).sort()).toEqual(expected.sort());
          const most = Math.max(
            0,
            ...left.map((event) => right.filter((version) => holds(event, version)).length),
          );
          expect(report.join_stats.fan_out).toBe(most);
          rmSync(base, { recursive: true });
        },
      ),
      { numRuns: RUNS },
    );
  },
  RUNS === 12 ? 60_000 : 1_800_000,
);
