import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { formatType, parseType } from '../core/schema.ts';
import { openEngine } from './duckdb.ts';
import { EngineError, translateEngineError } from './errors.ts';
import { availableMemory, engineLimits } from './limits.ts';
import { copyToPart, hashFile } from './parts.ts';
import { dataTypeOf, identifier, literal, sqlType } from './sql.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'foundry-engine-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const limits = (over = {}) => ({ memoryBytes: 200e6, threads: 2, spillFolder: join(root, 'spill'), ...over });

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'no error';
  } catch (error) {
    return error instanceof FoundryError ? error.code : String((error as Error).name);
  }
}

describe('the engine', () => {
  test('spills past its memory, and close removes the spill folder', async () => {
    const engine = await openEngine(limits({ memoryBytes: 60e6, threads: 1 }));
    const [row] = await engine.query(
      'SELECT count(*) AS n FROM (SELECT i, hash(i) AS h FROM range(6000000) t(i) ORDER BY h LIMIT 5000000)',
    );
    expect(row?.n).toBe(5000000n);
    expect(readdirSync(join(root, 'spill')).length).toBe(1);
    await engine.close();
    await engine.close();
    expect(readdirSync(join(root, 'spill'))).toEqual([]);
  }, 20_000);

  test('reports ENG002 when memory does not suffice', async () => {
    const engine = await openEngine(limits({ memoryBytes: 30e6 }));
    expect(
      await codeOf(engine.query("SELECT list(i || repeat('x', 100)) AS l FROM range(3000000) t(i)")),
    ).toBe('ENG002');
    await engine.close();
  });

  test('an abort stops the running statement within a second, with INT001', async () => {
    const stop = new AbortController();
    const engine = await openEngine(limits(), stop.signal);
    const slow = codeOf(
      engine.query('SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range > b.range'),
    );
    await Bun.sleep(100);
    const before = performance.now();
    stop.abort();
    expect(await slow).toBe('INT001');
    expect(performance.now() - before).toBeLessThan(1000);
    expect(await codeOf(engine.execute('SELECT 1'))).toBe('INT001');
    await engine.close();
  });

  test('loads nothing from the network', async () => {
    const engine = await openEngine(limits());
    expect(await codeOf(engine.query("SELECT * FROM read_csv('https://localhost:1/x.csv')"))).toBe(
      'EngineError',
    );
    await engine.close();
  });

  test('its time zone is UTC whatever the machine says', async () => {
    const engine = await openEngine(limits());
    const [row] = await engine.query("SELECT TIMESTAMPTZ '2025-01-01 00:00:00'::VARCHAR AS t");
    expect(row?.t).toBe('2025-01-01 00:00:00+00');
    await engine.close();
  });

  test('a folder that cannot be written is STG001', async () => {
    const engine = await openEngine(limits());
    const file = join(root, 'absent', 'x.parquet');
    expect(
      await codeOf(copyToPart(engine, 'SELECT 1', file, { format: 'parquet', compression: 'none' })),
    ).toBe('STG001');
    await engine.close();
  });
});

describe('errors of the engine', () => {
  const cases = [
    ['Out of Memory Error: could not allocate block of size 256.0 KiB', 'ENG002'],
    ['IO Error: Could not write to file "/spill/a.tmp": No space left on device', 'ENG002'],
    ['IO Error: Could not write to file "/out/a.parquet": No space left on device', 'STG001'],
    ['INTERRUPT Error: Interrupted!', 'INT001'],
  ] as const;
  for (const [message, code] of cases) {
    test(`${message.slice(0, 40)}… is ${code}`, () => {
      expect((translateEngineError(new Error(message), '/spill') as FoundryError).code).toBe(code);
    });
  }
  test('anything else is an EngineError', () => {
    expect(translateEngineError(new Error('Parser Error: x'), '/spill')).toBeInstanceOf(EngineError);
  });
});

describe('parts', () => {
  test('an ordered query gives the same bytes with one and with two threads', async () => {
    const hashes = [];
    for (const threads of [1, 2, 2]) {
      const engine = await openEngine(limits({ threads }));
      const file = join(root, `t${hashes.length}.parquet`);
      await copyToPart(
        engine,
        'SELECT hash(i) AS h, i, (i % 10)::VARCHAR AS s FROM range(300000) t(i) ORDER BY h, i',
        file,
        { format: 'parquet', compression: 'snappy' },
      );
      hashes.push((await hashFile(file)).sha256);
      await engine.close();
    }
    expect(new Set(hashes).size).toBe(1);
  });

  test('CSV has LF, a header, NULL as an empty cell and the empty string quoted', async () => {
    const engine = await openEngine(limits());
    const file = join(root, 'x.csv');
    const { rows } = await copyToPart(
      engine,
      "SELECT '' AS a, NULL AS b, 'x,\"y' AS c UNION ALL SELECT 'l', 'm', 'n'",
      file,
      { format: 'csv', compression: 'snappy' },
    );
    expect(rows).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe('a,b,c\n"",,"x,""y"\nl,m,n\n');
    await engine.close();
  });
});

describe('SQL text', () => {
  test('names and texts survive quoting', async () => {
    const engine = await openEngine(limits());
    const name = `we"ird; -- '`;
    expect(await engine.query(`SELECT ${literal(name)} AS ${identifier(name)}`)).toEqual([{ [name]: name }]);
    await engine.close();
  });

  test('every type survives the way into the engine and back, uuid and json as text', () => {
    for (const name of [
      'boolean',
      'int32',
      'int64',
      'double',
      'date',
      'time',
      'binary',
      'timestamp',
      'timestamptz',
    ]) {
      const type = parseType(name)!;
      expect(formatType(dataTypeOf(sqlType(type))!)).toBe(name);
    }
    expect(sqlType({ kind: 'uuid' })).toBe('VARCHAR');
    expect(formatType(dataTypeOf('DECIMAL(38,10)')!)).toBe('decimal(38,10)');
  });

  test('nested types and intervals have none', () => {
    for (const type of [
      'INTEGER[]',
      'STRUCT(a INTEGER)',
      'MAP(VARCHAR, INTEGER)',
      'INTERVAL',
      'INTEGER[3]',
    ]) {
      expect(dataTypeOf(type)).toBeUndefined();
    }
  });
});

describe('limits', () => {
  test('half of the memory of the container, and the spill folder of the environment', () => {
    const found = engineLimits({ env: { FOUNDRY_SPILL_DIR: '/big' } });
    expect(found.spillFolder).toBe('/big');
    expect(found.memoryBytes).toBe(Math.floor(availableMemory() / 2));
    expect(availableMemory((path) => (path.endsWith('memory.max') ? '1000\n' : undefined))).toBe(1000);
    expect(availableMemory(() => 'max\n')).toBeGreaterThan(1e6);
  });
});
