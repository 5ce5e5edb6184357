import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { formatType } from '../../core/schema.ts';
import { textCast } from '../../table/cast.ts';
import { type MysqlLab, mysqlLab } from '../../testing/mysql-kit.ts';
import { MYSQL_MATRIX, mysqlMatrixTable, mysqlMatrixTexts } from '../../testing/mysql-matrix.ts';
import { failure } from '../../testing/refusal.ts';
import { mayRun } from '../../testing/services.ts';
import { parseConnectionString } from './connection-string.ts';
import type { ConnectionTarget } from './connection-target.ts';
import type { ResultColumn, Session, SessionOptions, TextRow, TypePolicy } from './driver.ts';
import { mysqlDriver } from './mysql.ts';

const POLICY: TypePolicy = { types: {}, wideDecimals: 'text', geometry: 'wkt' };

describe.skipIf(!mayRun('FOUNDRY_TEST_MYSQL_URL'))('MariaDB', () => {
  let lab: MysqlLab;
  let target: ConnectionTarget;
  const open: Session[] = [];

  beforeAll(async () => {
    lab = await mysqlLab();
    target = parseConnectionString(lab.url, undefined, 'test');
    await lab.run(
      ...mysqlMatrixTable('matrix'),
      'CREATE TABLE numbers (n bigint PRIMARY KEY, t varchar(100))',
    );
    await lab.run("INSERT INTO numbers SELECT seq, concat('row ', seq) FROM seq_1_to_100000");
  });

  afterAll(async () => {
    for (const session of open) await session.close();
    await lab.drop();
  });

  async function connect(options: Partial<SessionOptions> = {}, to = target): Promise<Session> {
    const session = await mysqlDriver.connect(to, {
      applicationName: 'foundry tests',
      connectTimeoutMs: 5000,
      fetchRows: 1000,
      signal: new AbortController().signal,
      ...options,
    });
    open.push(session);
    return session;
  }

  async function describeTable(session: Session, table: string, policy = POLICY) {
    const columns = await session.describe({ sql: `SELECT * FROM ${table}`, params: [] }, policy);
    const select = columns.map((column) => column.select).join(', ');
    return { columns, sql: `SELECT ${select} FROM (SELECT * FROM ${table}) q` };
  }

  async function all(session: Session, sql: string, params: readonly string[] = []): Promise<TextRow[]> {
    const rows: TextRow[] = [];
    for await (const block of session.rows({ sql, params })) rows.push(...block);
    return rows;
  }

  test('every type arrives with its exact text, at its extremes and as NULL', async () => {
    const session = await connect();
    const { columns, sql } = await describeTable(session, 'matrix');
    const rows = await all(session, `${sql} ORDER BY row_id`);
    const matrix = columns.slice(1);
    expect(matrix.map((column) => `${column.sourceType} -> ${formatType(column.type)}`)).toEqual(
      MYSQL_MATRIX.map((entry) => `${entry.sourceType} -> ${entry.lands}`),
    );
    expect(rows.map((row) => row.slice(1))).toEqual(mysqlMatrixTexts().map((row) => [...row]));
    for (const row of rows) {
      matrix.forEach((column, index) => {
        const text = row[index + 1];
        if (typeof text === 'string' && column.form === 'plain') {
          expect([column.sourceType, text, textCast(column.type)(text)]).not.toContain(undefined);
        }
      });
    }
  });

  test('CSV from the packets is the CSV of the rows: an independent reader finds every cell', async () => {
    const session = await connect();
    const { columns, sql } = await describeTable(session, 'matrix');
    const pieces: Uint8Array[] = [];
    let counted = 0;
    for await (const block of session.csv?.({ sql: `${sql} ORDER BY row_id`, params: [] }, columns.length) ??
      []) {
      pieces.push(Uint8Array.from(block.bytes));
      counted += block.rows;
    }
    const file = join(mkdtempSync(join(tmpdir(), 'foundry-csv-')), 'matrix.csv');
    writeFileSync(file, Buffer.concat(pieces));
    const instance = await DuckDBInstance.create(':memory:');
    const reader = await instance.connect();
    const names = columns.map(({ name }) => `'${name}': 'VARCHAR'`).join(', ');
    const read = await reader.runAndReadAll(
      `SELECT * FROM read_csv('${file}', header=false, delim=',', quote='"', escape='"', nullstr='\\N', allow_quoted_nulls=false, auto_detect=false, columns={${names}})`,
    );
    rmSync(join(file, '..'), { recursive: true });
    expect(counted).toBe(3);
    expect(read.getRowsJS()).toEqual((await all(session, `${sql} ORDER BY row_id`)).map((row) => [...row]));
  });

  test('parameters are bound: what they hold is never SQL', async () => {
    const session = await connect();
    const { columns } = await describeTable(session, 'numbers');
    const bound = columns[0]?.order?.bound('?');
    const sql = `SELECT n, ? FROM numbers WHERE n > ${bound} AND t <> ?`;
    const nasty = `'; DROP TABLE numbers; -- " \\ ? @x`;
    expect(await all(session, sql, [nasty, '99998', 'row 100000'])).toEqual([['99999', nasty]]);
  });

  test('a big cursor is compared as the number that it is', async () => {
    await lab.run('CREATE TABLE big (n bigint unsigned PRIMARY KEY)');
    await lab.run(
      'INSERT INTO big VALUES (18446744073709551613), (18446744073709551614), (18446744073709551615)',
    );
    const session = await connect();
    const { columns } = await describeTable(session, 'big');
    const bound = columns[0]?.order?.bound('?');
    expect(await all(session, `SELECT n FROM big WHERE n > ${bound}`, ['18446744073709551614'])).toEqual([
      ['18446744073709551615'],
    ]);
  });

  test('a text cursor is compared by its column, here without regard to case', async () => {
    await lab.run('CREATE TABLE words (w varchar(10))', "INSERT INTO words VALUES ('a'), ('B'), ('c')");
    const session = await connect();
    const { columns } = await describeTable(session, 'words');
    const bound = columns[0]?.order?.bound('?');
    expect(await all(session, `SELECT w FROM words WHERE w > ${bound} ORDER BY w`, ['A'])).toEqual([
      ['B'],
      ['c'],
    ]);
  });

  test('the session cannot write, and sees one state of the database', async () => {
    const session = await connect();
    await lab.run('CREATE TABLE grows (n int)', 'INSERT INTO grows VALUES (1)');
    await session.begin();
    expect(await all(session, 'SELECT n FROM grows')).toEqual([['1']]);
    await lab.run('INSERT INTO grows VALUES (2)');
    expect(await all(session, 'SELECT n FROM grows')).toEqual([['1']]);
    await session.end();
    expect(await all(session, 'SELECT n FROM grows')).toHaveLength(2);
    expect(await failure(all(session, 'DELETE FROM grows'))).toMatchObject({
      code: 'EXT001',
      details: { error: 1792, query: 'DELETE FROM grows' },
    });
  });

  test('a loop that is left early ends the statement at the server', async () => {
    const session = await connect();
    for await (const block of session.rows({ sql: 'SELECT * FROM numbers a, numbers b', params: [] })) {
      expect(block.length).toBeGreaterThan(0);
      break;
    }
    await session.close();
    expect(await eventually(() => busy('numbers a, numbers b'), 0)).toBe(0);
  });

  test('rows of a session that is closed meanwhile do not end as if they were all', async () => {
    const session = await connect();
    const reading = async (): Promise<void> => {
      for await (const _ of session.rows({ sql: 'SELECT * FROM numbers a, numbers b', params: [] }))
        await session.close();
    };
    expect((await failure(reading())).code).toBe('RETRY001');
  });

  test('an interruption ends the statement at the server, and is told as one', async () => {
    const control = new AbortController();
    const session = await connect({ signal: control.signal });
    const waiting = failure(all(session, 'SELECT sleep(600) /* interrupted */'));
    expect(await eventually(() => busy('interrupted'), 1)).toBe(1);
    control.abort();
    expect((await waiting).code).toBe('INT001');
    expect(await eventually(() => busy('interrupted'), 0)).toBe(0);
  });

  test('a statement that takes too long is ended by the server, and is not tried again', async () => {
    const session = await connect({ statementTimeoutMs: 200 });
    const failed = await failure(all(session, 'SELECT count(*) FROM numbers a, numbers b, numbers c'));
    expect(failed).toMatchObject({ code: 'EXT001', details: { error: 1969 } });
    expect(failed.hint).toContain('statement_timeout_seconds');
  });

  test('a connection that the server kills is lost, which may go away by itself', async () => {
    const session = await connect();
    const reading = failure(all(session, 'SELECT sleep(600) /* killed */'));
    expect(await eventually(() => busy('killed'), 1)).toBe(1);
    const [row] = await lab.rows(
      `SELECT id FROM information_schema.processlist WHERE info LIKE '%killed *%' AND id <> connection_id()`,
    );
    await lab.run(`KILL ${String(row?.[0])}`);
    expect((await reading).code).toBe('RETRY001');
    expect((await failure(all(session, 'SELECT 1'))).code).toBe('RETRY001');
  });

  test.each([
    ['a wrong password', { user: 'nobody' }, 'AUTH001', 1045],
    ['a database that is not there', { database: 'no_such_database' }, 'EXT001', 1049],
    ['a port where nothing listens', { port: 1 }, 'RETRY001', undefined],
    ['an unknown host', { host: 'no-such-host.invalid' }, 'EXT001', undefined],
    ['TLS that the server does not have', { tls: 'require' }, 'EXT001', undefined],
  ] as const)('%s is named', async (_, change, code, error) => {
    const failed = await failure(connect({}, { ...target, ...change }));
    expect(failed.code).toBe(code);
    if (error !== undefined) expect(failed.details.error).toBe(error);
    expect(failed.hint.length).toBeGreaterThan(20);
    expect(failed.message).not.toContain(target.password?.reveal() ?? 'x');
  });

  test.each([
    ['SELECT * FROM no_such_table', 1146],
    ['SELEC 1', 1064],
    ['SELECT nope FROM numbers', 1054],
    ['SELECT * FROM (SELECT 1 AS a, 2 AS a) q', 1060],
  ])('%s is refused with the words of the server', async (sql, error) => {
    const session = await connect();
    expect(await failure(session.describe({ sql, params: [] }, POLICY))).toMatchObject({
      code: 'EXT001',
      details: { error, query: sql },
    });
  });

  test('a statement that gives no rows is refused before it is run', async () => {
    await lab.run('CREATE PROCEDURE does_something() SELECT 1');
    const session = await connect();
    const failed = await failure(session.describe({ sql: 'CALL does_something()', params: [] }, POLICY));
    expect(failed.hint).toContain('Procedures');
  });

  test('times without a zone become instants of a zone that the server knows, and else are refused', async () => {
    const session = await connect();
    const offset = await describeTable(session, 'matrix', { ...POLICY, timezone: '+02:00' });
    const column = offset.columns.find(({ sourceType }) => sourceType === 'datetime') as ResultColumn;
    expect(formatType(column.type)).toBe('timestamptz');
    const [, row] = await all(session, `SELECT ${column.select} FROM matrix q ORDER BY row_id`);
    expect(row).toEqual(['2024-02-29 21:59:59Z']);
    const unknown = describeTable(session, 'matrix', { ...POLICY, timezone: 'No/Where' });
    expect((await failure(unknown)).message).toContain('No/Where');
  });

  test('decimals of more than 38 digits are refused where the config says so', async () => {
    const session = await connect();
    const failed = await failure(describeTable(session, 'matrix', { ...POLICY, wideDecimals: 'fail' }));
    expect(failed.message).toContain('decimal(65,0)');
    expect(failed.hint).toContain('wide_decimals');
  });

  async function busy(mark: string): Promise<number> {
    const [row] = await lab.rows(
      `SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%${mark}%' AND id <> connection_id()`,
    );
    return Number(row?.[0]);
  }
});

/** Asks until the answer is the expected one, at most for ten seconds. */
async function eventually<T>(ask: () => Promise<T>, expected: T): Promise<T> {
  let answer = await ask();
  for (let round = 0; round < 200 && answer !== expected; round += 1) {
    await Bun.sleep(50);
    answer = await ask();
  }
  return answer;
}
