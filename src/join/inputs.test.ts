import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { joined, joinOptions, putSilver, recordingLog, rowsSql } from '../testing/join-kit.ts';

let root: string;
let engine: Engine;
let n = 0;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-join-inputs-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

const VERSIONS = { id: 'VARCHAR', city: 'VARCHAR', effective_from: 'TIMESTAMP', effective_to: 'TIMESTAMP' };
const HISTORY = rowsSql(VERSIONS, [
  ['a', 'Kiel', '2025-01-01', '2025-01-05'],
  ['a', 'Bonn', '2025-01-05', null],
  ['b', 'Ulm', '2025-01-02', null],
]);
const CURRENT = `SELECT * FROM (${HISTORY}) WHERE effective_to IS NULL`;
const ORDERS = rowsSql({ order_id: 'BIGINT', customer: 'VARCHAR', at: 'TIMESTAMP' }, [
  [1, 'a', '2025-01-04 23:59:59'],
  [2, 'a', '2025-01-05'],
  [3, 'b', '2025-01-01'],
  [4, null, '2025-01-06'],
]);

/** A base of its own with `orders` and `customers`, which has a history and current rows. */
async function shop(
  customers: Parameters<typeof putSilver>[3] = { artifacts: { history: HISTORY, current: CURRENT } },
) {
  n += 1;
  const base = join(root, `lake-${n}`);
  await putSilver(engine, base, 'orders', { artifacts: { full_snapshot: ORDERS } });
  await putSilver(engine, base, 'customers', customers);
  return base;
}

const KEYS = { join_key_pairs: [{ left: 'customer', right: 'id' }] };
const section = (base: string, right: object, output: object = {}) => ({
  left: { path: join(base, 'orders') },
  right: { path: join(base, 'customers'), ...right },
  output: { path: join(base, 'out'), ...KEYS, ...output },
});

async function refusal(run: Promise<unknown>): Promise<FoundryError> {
  const error: unknown = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof FoundryError) return error;
  throw new Error(`it was not refused by name: ${String(error)}`);
}

describe('one artifact of an input is joined, never a mix', () => {
  test('of history and current the current rows, unless another is asked for by name, kind or file', async () => {
    const base = await shop();
    for (const [artifact, rows] of [
      [undefined, 2],
      ['current', 2],
      ['history', 3],
    ] as const) {
      const { report } = await joined(
        engine,
        section(base, artifact === undefined ? {} : { artifact }),
        joinOptions(root),
      );
      expect([artifact, report.inputs[1]?.rows]).toEqual([artifact, rows]);
    }
    const error = await refusal(joined(engine, section(base, { artifact: 'histroy' }), joinOptions(root)));
    expect(error.message).toContain(
      'has no artifact "histroy" (did you mean "history"?); it has history, current',
    );
  });

  test('the history for an as-of join; and where no rule tells, it is asked', async () => {
    const base = await shop();
    const { report, rows } = await joined(
      engine,
      section(
        base,
        {},
        { as_of: { left: 'at' }, join_type: 'left', select_columns: ['order_id', 'right.city'] },
      ),
      joinOptions(root),
    );
    expect(report.inputs[1]?.artifact).toBe('history');
    expect(rows.map(({ city }) => city)).toEqual(['Kiel', 'Bonn', null, null]);
    const odd = await shop({ artifacts: { events: HISTORY, derived_events: HISTORY } });
    const error = await refusal(joined(engine, section(odd, {}), joinOptions(root)));
    expect([error.code, error.message]).toEqual([
      'CFG001',
      expect.stringContaining('events and derived_events'),
    ]);
  });

  test('CSV alone has its manifest’s types', async () => {
    const base = await shop({ artifacts: { current: CURRENT }, format: 'csv' });
    const { rows } = await joined(
      engine,
      section(base, {}, { select_columns: ['order_id', 'right.effective_from'] }),
      joinOptions(root),
    );
    expect(rows[0]).toEqual({ order_id: '1', effective_from: '2025-01-05 00:00:00' });
  });

  test('files that foundry did not write tell it by their names, with a warning', async () => {
    const base = await shop();
    const folder = join(base, 'foreign');
    mkdirSync(folder);
    await engine.execute(`COPY (${HISTORY}) TO '${folder}/history.parquet'`);
    await engine.execute(`COPY (${CURRENT}) TO '${folder}/current.parquet'`);
    await engine.execute(`COPY (${CURRENT}) TO '${folder}/current.csv'`);
    const log = recordingLog();
    const { report } = await joined(engine, section(base, { path: folder }), joinOptions(root, { log }));
    expect(report.inputs[1]).toMatchObject({ artifact: 'current', rows: 2 });
    expect(log.lines.join('\n')).toContain('has no _metadata.json of foundry');
  });
});

describe('an input is what its manifest says', () => {
  test('a file with other bytes is refused, and nothing is written', async () => {
    const base = await shop();
    const folder = join(base, 'customers');
    const file = readdirSync(folder).find((name) => name.startsWith('current'));
    appendFileSync(join(folder, file ?? ''), 'x');
    const error = await refusal(joined(engine, section(base, {}), joinOptions(root)));
    expect(error.code).toBe('SUM001');
    expect(readdirSync(base)).not.toContain('out');
  });

  test.each([
    ['csv', 'which the engine takes for another value', (text: string) => text.replace('Bonn', 'Born')],
    ['parquet', 'which the engine cannot read', (text: string) => text.replaceAll('PAR1', 'PAR2')],
  ] as const)(
    'a %s file with one byte changed, %s, is told as such, and nothing of it is written down',
    async (format, _why, change) => {
      const base = await shop({ artifacts: { current: CURRENT }, format });
      const folder = join(base, 'customers');
      const file = join(folder, readdirSync(folder).find((name) => name.startsWith('current')) ?? '');
      writeFileSync(file, change(readFileSync(file, 'latin1')), 'latin1');
      const work = join(base, 'work');
      const error = await refusal(
        joined(engine, section(base, {}, { checkpoint_dir: work }), joinOptions(root)),
      );
      expect([error.code, error.message]).toEqual([
        'SUM001',
        expect.stringContaining('has other bytes than when it was committed'),
      ]);
      expect(readdirSync(base)).not.toContain('out');
      expect(existsSync(join(work, 'progress.json'))).toBe(false);
    },
  );

  test('a folder without a table says what lies in it, and an output over an input is refused', async () => {
    n += 1;
    const base = join(root, `lake-${n}`);
    await putSilver(engine, base, 'domain=s/entity=l/v1/load_date=2025-01-04', {
      artifacts: { current: CURRENT },
    });
    const at = (path: string, out = 'out') => ({
      left: { path: join(base, path) },
      right: { path: join(base, path) },
      output: { path: join(base, out), join_keys: ['id'] },
    });
    const error = await refusal(joined(engine, at('domain=s/entity=l/v1'), joinOptions(root)));
    expect([error.code, error.hint]).toEqual(['EXT001', expect.stringContaining('load_date=2025-01-04')]);
    const own = 'domain=s/entity=l/v1/load_date=2025-01-04';
    expect((await refusal(joined(engine, at(own, own), joinOptions(root)))).code).toBe('CFG001');
  });

  test('latest is the newest load up to the run date; without it the run date’s own is wanted', async () => {
    n += 1;
    const base = join(root, `lake-${n}`);
    for (const date of ['2025-01-03', '2025-01-04', '2025-01-09'])
      await putSilver(engine, base, `domain=s/entity=l/v1/load_date=${date}`, {
        artifacts: { current: CURRENT },
      });
    const asset = { base, domain: 's', entity: 'l' };
    const at = (left: object) => ({
      left: { ...asset, ...left },
      right: { ...asset, load_date: 'latest' },
      output: { base, domain: 's', entity: 'out', join_keys: ['id'] },
    });
    const { report } = await joined(engine, at({ load_date: '2025-01-03' }), joinOptions(root));
    expect(report.inputs.map(({ location }) => location.slice(-10))).toEqual(['2025-01-03', '2025-01-04']);
    expect(report.location).toEndWith('domain=s/entity=out/v1/load_date=2025-01-05');
    expect((await refusal(joined(engine, at({}), joinOptions(root)))).code).toBe('EXT001');
  });
});

describe('keys', () => {
  test('auto takes the declared primary keys of both sides, and never a guess', async () => {
    const keyed = { artifacts: { current: CURRENT }, primaryKeys: ['id'] };
    const base = await shop(keyed);
    await putSilver(engine, base, 'orders', {
      artifacts: { full_snapshot: ORDERS },
      primaryKeys: ['customer'],
    });
    const { join_key_pairs: _pairs, ...output } = section(base, {}).output;
    const auto = { ...section(base, {}), output: { ...output, join_keys: 'auto' } };
    expect((await joined(engine, auto, joinOptions(root))).report.rows).toBe(3);
    await putSilver(engine, base, 'orders', {
      artifacts: { full_snapshot: `SELECT *, customer AS id FROM (${ORDERS})` },
    });
    const error = await refusal(joined(engine, auto, joinOptions(root)));
    expect([error.code, error.message]).toEqual([
      'CFG001',
      expect.stringContaining('left one declares none'),
    ]);
  });

  test('of types that cannot be compared are refused, showing both; wider integers and decimals meet', async () => {
    const base = await shop({
      artifacts: { current: 'SELECT 1::BIGINT AS id, 1.50::DECIMAL(10,2) AS price' },
    });
    const error = await refusal(joined(engine, section(base, {}), joinOptions(root)));
    expect([error.code, error.message]).toEqual([
      'SCHEMA001',
      'the key left.customer is string and right.id is int64, which cannot be compared',
    ]);
    await putSilver(engine, base, 'orders', {
      artifacts: { current: 'SELECT 1::INTEGER AS customer, 1.5::DECIMAL(4,1) AS price' },
    });
    const both = { join_key_pairs: [{ left: 'customer', right: 'id' }, 'price'] };
    for (const join_strategy of ['broadcast', 'hash'])
      expect(
        (await joined(engine, section(base, {}, { ...both, join_strategy }), joinOptions(root))).report.rows,
      ).toBe(1);
  });
});
