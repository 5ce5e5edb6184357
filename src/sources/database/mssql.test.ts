import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatType } from '../../core/schema.ts';
import { textCast } from '../../table/cast.ts';
import { failure } from '../../testing/refusal.ts';
import { selfSigned } from '../../testing/tds/certificate.ts';
import { openTdsDatabase, type TdsDatabase } from '../../testing/tds/database.ts';
import { MATRIX, matrixRows } from '../../testing/tds/matrix.ts';
import { matrixHandler } from '../../testing/tds/matrix-handler.ts';
import { matrixLands, matrixText } from '../../testing/tds/matrix-texts.ts';
import { startTdsServer, type TdsServer } from '../../testing/tds/server.ts';
import { parseConnectionString } from './connection-string.ts';
import type { ConnectionTarget } from './connection-target.ts';
import type { Session, SessionOptions, TextRow, TypePolicy } from './driver.ts';
import { mssqlDriver } from './mssql.ts';

const POLICY: TypePolicy = { types: {}, wideDecimals: 'text', geometry: 'wkt' };
/** A type without a counterpart is text only where the config says so. */
const VARIANT = `c${MATRIX.findIndex(({ type }) => type === 'sql_variant')}`;
const WITH_VARIANT: TypePolicy = { ...POLICY, types: { [VARIANT]: { kind: 'string' } } };

let db: TdsDatabase;
let server: TdsServer;
let matrix: TdsServer;
const open: Session[] = [];

beforeAll(async () => {
  db = await openTdsDatabase();
  await db.create('numbers', { n: 'bigint', t: 'varchar(100)' });
  await db.run("INSERT INTO dbo.numbers SELECT range, 'row ' || range FROM range(50000)");
  server = await startTdsServer({ handler: db.handler, onSessionEnd: db.endSession });
  matrix = await startTdsServer({ handler: matrixHandler() });
});

afterAll(async () => {
  for (const session of open) await session.close();
  await server.stop();
  await matrix.stop();
  db.close();
});

async function connect(
  options: Partial<SessionOptions> = {},
  to: ConnectionTarget = parseConnectionString(server.url, undefined, 'test'),
): Promise<Session> {
  const session = await mssqlDriver.connect(to, {
    applicationName: 'foundry tests',
    connectTimeoutMs: 5000,
    fetchRows: 1000,
    signal: new AbortController().signal,
    ...options,
  });
  open.push(session);
  return session;
}

async function all(session: Session, sql: string, params: readonly string[] = []): Promise<TextRow[]> {
  const rows: TextRow[] = [];
  for await (const block of session.rows({ sql, params })) rows.push(...block);
  return rows;
}

describe('the type matrix of SQL Server', () => {
  test('every type arrives with its exact text, at its extremes and as NULL', async () => {
    const session = await connect({}, parseConnectionString(matrix.url, undefined, 'test'));
    const columns = await session.describe({ sql: 'SELECT * FROM matrix', params: [] }, WITH_VARIANT);
    expect(columns.map(({ type }) => formatType(type))).toEqual(MATRIX.map(({ type }) => matrixLands(type)));
    const rows = await all(session, `SELECT ${columns.map(({ select }) => select).join(', ')} FROM matrix q`);
    const expected = matrixRows().map((row) =>
      row.map((value, index) => (value === null ? null : matrixText(MATRIX[index]?.type ?? '', value))),
    );
    expect(rows.map((row) => [...row])).toEqual(expected);
  });

  test('what a type of the lake cannot keep is found by its cast: 100 ns, and nothing else', async () => {
    const session = await connect({}, parseConnectionString(matrix.url, undefined, 'test'));
    const columns = await session.describe({ sql: 'SELECT * FROM matrix', params: [] }, WITH_VARIANT);
    const rows = await all(session, `SELECT ${columns.map(({ select }) => select).join(', ')} FROM matrix q`);
    const lost = new Set<string>();
    for (const row of rows) {
      columns.forEach((column, index) => {
        const text = row[index];
        if (typeof text !== 'string' || column.form === 'hex') return;
        if (textCast(column.type)(text) === undefined) lost.add(column.sourceType);
        else expect([column.sourceType, column.exact]).toEqual([column.sourceType, column.exact]);
      });
    }
    expect([...lost].sort()).toEqual(['datetime2(7)', 'datetimeoffset(7)', 'time(7)']);
    for (const column of columns)
      expect([column.sourceType, column.exact || !lost.has(column.sourceType)]).toEqual([
        column.sourceType,
        !lost.has(column.sourceType),
      ]);
  });

  test('a type without a counterpart is refused, naming the column and the way out', async () => {
    const session = await connect({}, parseConnectionString(matrix.url, undefined, 'test'));
    const failed = await failure(session.describe({ sql: 'SELECT * FROM matrix', params: [] }, POLICY));
    expect(failed.message).toContain(`"${VARIANT}" is a sql_variant`);
    expect(failed.hint).toContain('db.types');
  });
});

describe('SQL Server, by the TDS server of the tests', () => {
  test('parameters are bound, and compared by the type of their column', async () => {
    const session = await connect();
    const [n] = await session.describe({ sql: 'SELECT * FROM numbers', params: [] }, POLICY);
    const bound = n?.order?.bound('@p1');
    expect(bound).toBe('CAST(@p1 AS bigint)');
    const nasty = "'; DROP TABLE numbers; --";
    const sql = `SELECT n, cast(@p2 as nvarchar(100)) AS x FROM numbers WHERE n > ${bound} ORDER BY n`;
    expect(await all(session, sql, ['49997', nasty])).toEqual([
      ['49998', nasty],
      ['49999', nasty],
    ]);
    expect(server.log.some(({ text }) => text.includes('DROP'))).toBe(false);
  });

  test('all statements between begin and end see one state, and what they write is taken back', async () => {
    await db.create('grows', { g: 'int' });
    await db.run('INSERT INTO dbo.grows VALUES (1)');
    const session = await connect();
    await session.begin();
    expect(await all(session, 'SELECT g FROM grows')).toEqual([['1']]);
    await db.run('INSERT INTO dbo.grows VALUES (2)');
    expect(await all(session, 'SELECT g FROM grows')).toEqual([['1']]);
    await session.end();
    expect(await all(session, 'SELECT g FROM grows')).toHaveLength(2);
    const said = server.log.map(({ text }) => text);
    expect(said).toContain('SET TRANSACTION ISOLATION LEVEL SNAPSHOT');
  });

  test('where the database allows no snapshots the isolation is the usual one', async () => {
    await db.allowSnapshots(false);
    const session = await connect();
    await db.allowSnapshots(true);
    await session.begin();
    expect(server.log.at(-2)?.text).toBe('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await session.end();
  });

  test('a slow reader holds the server back: what was not taken was not sent', async () => {
    const session = await connect();
    const rows = session.rows({ sql: 'SELECT a.n FROM numbers a, numbers b', params: [] });
    for await (const block of rows) {
      expect(block.length).toBeGreaterThan(0);
      // The buffers of the sockets fill, and then nothing moves.
      let sent = -1;
      for (let round = 0; round < 50 && sent !== server.sentBytes; round += 1) {
        sent = server.sentBytes;
        await Bun.sleep(200);
      }
      expect(server.sentBytes).toBe(sent);
      break;
    }
    expect(await all(session, 'SELECT 7 AS n')).toEqual([['7']]);
    expect(server.attentions).toBeGreaterThan(0);
  });

  test('rows of a session that is closed meanwhile do not end as if they were all', async () => {
    const session = await connect();
    const reading = async (): Promise<void> => {
      for await (const _ of session.rows({ sql: 'SELECT a.n FROM numbers a, numbers b', params: [] }))
        await session.close();
    };
    expect((await failure(reading())).code).toBe('EXT001');
  });

  test('an interruption reaches the server as an attention, and is told as one', async () => {
    const before = server.attentions;
    const control = new AbortController();
    const session = await connect({ signal: control.signal });
    const reading = failure(all(session, 'SELECT a.n FROM numbers a, numbers b'));
    await Bun.sleep(100);
    control.abort();
    expect((await reading).code).toBe('INT001');
    expect(server.attentions).toBe(before + 1);
  });

  test('a statement that takes too long is cancelled, and is not tried again', async () => {
    const session = await connect({ statementTimeoutMs: 200 });
    const failed = await failure(all(session, 'SELECT a.n FROM numbers a, numbers b'));
    expect(failed.code).toBe('EXT001');
    expect(failed.message).toContain('0.2');
    expect(await all(session, 'SELECT 7 AS n')).toEqual([['7']]);
  });

  test('a connection that is cut is lost for good: no other takes its place in silence', async () => {
    const session = await connect();
    await session.begin();
    server.faults.cutAfterBytes = 200_000;
    const failed = await failure(all(session, 'SELECT n, t FROM numbers'));
    delete server.faults.cutAfterBytes;
    expect(failed.code).toBe('RETRY001');
    expect((await failure(all(session, 'SELECT 1 AS n'))).code).toBe('RETRY001');
  });

  test.each([
    ['a wrong password', { user: 'nobody' }, 'AUTH001', 18_456],
    ['a database that is not there', { database: 'other' }, 'AUTH001', 4060],
    ['a port where nothing listens', { port: 1 }, 'RETRY001', undefined],
    ['an unknown host', { host: 'no-such-host.invalid' }, 'EXT001', undefined],
    ['TLS that the server does not have', { tls: 'require' }, 'EXT001', undefined],
  ] as const)('%s is named', async (_, change, code, error) => {
    const target = parseConnectionString(server.url, undefined, 'test');
    const failed = await failure(connect({}, { ...target, ...change }));
    expect(failed.code).toBe(code);
    expect(failed.details.error).toBe(error as number);
    expect(failed.hint.length).toBeGreaterThan(20);
    expect(failed.message).not.toContain(target.password?.reveal() ?? 'x');
  });

  test.each([
    ['SELECT * FROM no_such_table', 208],
    ['SELEC 1', 102],
    ['SELECT nope FROM numbers', 207],
    ['SELECT * FROM (SELECT n FROM numbers ORDER BY n) q', 1033],
    ['SELECT * FROM (WITH x AS (SELECT 1 AS n) SELECT * FROM x) q', 156],
  ])('%s is refused with the words of the server', async (sql, error) => {
    const session = await connect();
    expect(await failure(session.describe({ sql, params: [] }, POLICY))).toMatchObject({
      code: 'EXT001',
      details: { error, query: sql },
    });
  });

  test('TLS is verified unless the connection string says otherwise', async () => {
    const certificate = selfSigned();
    const secure = await startTdsServer({
      handler: db.handler,
      onSessionEnd: db.endSession,
      certificate,
      required: true,
    });
    const folder = mkdtempSync(join(tmpdir(), 'foundry-ca-'));
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, certificate.cert);
    const target = parseConnectionString(secure.url, undefined, 'test');
    const refused = await failure(connect({}, target));
    expect(refused.hint).toContain('TrustServerCertificate');
    expect(await all(await connect({}, { ...target, tls: 'require' }), 'SELECT 1 AS n')).toEqual([['1']]);
    expect(await all(await connect({}, { ...target, host: 'localhost', caFile }), 'SELECT 1 AS n')).toEqual([
      ['1'],
    ]);
    expect((await failure(connect({}, { ...target, tls: 'disable' }))).hint).toContain('Encrypt=yes');
    await secure.stop();
    rmSync(folder, { recursive: true });
  });
});
