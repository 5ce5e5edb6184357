import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sql from 'mssql';
import { selfSigned } from './certificate.ts';
import { MATRIX, matrixColumns, matrixRows } from './matrix.ts';
import { type Handler, startTdsServer, type TdsServer } from './server.ts';
import { sqlType } from './sql-type.ts';

/** Answers by the word that the statement holds. */
const handler: Handler = async function* ({ text, parameters, signal }) {
  if (/fmtonly on/i.test(text) && text.includes('matrix')) {
    yield { kind: 'rows', columns: dated, rows: [] };
  } else if (text.includes('dated_matrix')) {
    yield { kind: 'rows', columns: dated, rows: matrixRows(DATED) };
  } else if (text.includes('matrix')) {
    yield { kind: 'rows', columns: matrixColumns(), rows: matrixRows() };
  } else if (text.includes('not_null')) {
    const columns = FIXED.map((type) => ({ name: type, type: sqlType(type), nullable: false }));
    yield { kind: 'rows', columns, rows: [['1', '2', '3', '4', '5', '1.5', '2.5', '6.0000', '7.0000']] };
  } else if (text.includes('parameters')) {
    const columns = parameters.map(({ name }) => ({ name, type: sqlType('nvarchar(max)'), nullable: true }));
    yield { kind: 'rows', columns, rows: [parameters.map(({ value }) => value)] };
  } else if (text.includes('lock')) {
    yield { kind: 'info', number: 5701, message: 'by the way' };
    yield {
      kind: 'error',
      number: 1222,
      state: 45,
      severity: 16,
      line: 3,
      message: 'Lock request time out period exceeded.',
    };
  } else if (text.includes('endless')) {
    const rows = (async function* () {
      for (let row = 0; !signal.aborted; row += 1) {
        yield [String(row % 1_000_000)];
        if (row % 10_000 === 0) await Bun.sleep(1);
      }
    })();
    yield { kind: 'rows', columns: [{ name: 'n', type: sqlType('int'), nullable: true }], rows };
  }
};

const FIXED = ['bit', 'tinyint', 'smallint', 'int', 'bigint', 'real', 'float', 'smallmoney', 'money'];
const DATED = MATRIX.filter(({ type }) => /^(?:datetime2?|smalldatetime)\b/.test(type));
const dated = matrixColumns(DATED);

let server: TdsServer;
let folder: string;

beforeAll(async () => {
  server = await startTdsServer({ handler });
  folder = mkdtempSync(join(tmpdir(), 'foundry-freetds-'));
  const lines = ['[global]', 'tds version = 7.4', 'client charset = UTF-8', 'encryption = off'];
  lines.push('[test]', 'host = 127.0.0.1', `port = ${server.port}`, 'text size = 2147483647');
  writeFileSync(join(folder, 'freetds.conf'), `${lines.join('\n')}\n`);
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function freetds(command: readonly string[], input = ''): Promise<string> {
  const child = Bun.spawn([...command], {
    env: { ...process.env, FREETDSCONF: join(folder, 'freetds.conf'), LC_ALL: 'C.UTF-8' },
    stdin: Buffer.from(input),
    stderr: 'pipe',
  });
  return new Response(child.stdout).text();
}

async function connect(options: Partial<sql.config> = {}, port = server.port): Promise<sql.ConnectionPool> {
  const pool = new sql.ConnectionPool({
    server: '127.0.0.1',
    port,
    user: 'sa',
    password: 'Secret!1',
    database: 'test',
    pool: { max: 1 },
    ...options,
    options: { encrypt: false, trustServerCertificate: true, ...options.options },
  });
  pool.on('error', () => undefined);
  return await pool.connect();
}

describe('FreeTDS reads', () => {
  test('every type of the matrix, its extremes and NULLs, as they were sent', async () => {
    const out = await freetds(
      ['tsql', '-S', 'test', '-U', 'sa', '-P', 'Secret!1', '-o', 'fhq'],
      'select * from matrix\ngo\nexit\n',
    );
    const lines = out.split('\n').filter((line) => line.includes('\t'));
    expect(lines).toHaveLength(matrixRows().length);
    const problems: string[] = [];
    lines.forEach((line, row) => {
      line.split('\t').forEach((shown, index) => {
        const entry = MATRIX[index];
        const [value, text] = entry?.values[row] ?? entry?.values.at(-1) ?? [null];
        const expected =
          row === lines.length - 1 ? 'NULL' : (text ?? freetdsText(entry?.type ?? '', String(value)));
        if (shown !== expected)
          problems.push(`${entry?.type}: ${shown.slice(0, 60)} is not ${expected.slice(0, 60)}`);
      });
    });
    expect(problems).toEqual([]);
  });

  test('dates and times to the millisecond', async () => {
    const file = join(folder, 'dated.txt');
    await freetds([
      'freebcp',
      'select * from dated_matrix',
      'queryout',
      file,
      '-c',
      '-t',
      '|',
      '-S',
      'test',
      '-U',
      'sa',
      '-P',
      'Secret!1',
    ]);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const expected = matrixRows(DATED).map((row) =>
      row.map((value) =>
        value === null
          ? ''
          : `${String(value).padEnd(20, '.').slice(0, 20)}${String(value).slice(20, 23).padEnd(3, '0')}`,
      ),
    );
    // FreeTDS writes a year without its leading zeros.
    expect(lines.map((line) => line.replaceAll('|1-01-01', '|0001-01-01').split('|'))).toEqual(expected);
  });

  test('an error with its number, state, severity and line', async () => {
    const child = Bun.spawn(['tsql', '-S', 'test', '-U', 'sa', '-P', 'Secret!1', '-o', 'q'], {
      env: { ...process.env, FREETDSCONF: join(folder, 'freetds.conf'), LC_ALL: 'C.UTF-8' },
      stdin: Buffer.from('lock\ngo\nexit\n'),
      stderr: 'pipe',
    });
    const said = `${await new Response(child.stdout).text()}${await new Response(child.stderr).text()}`;
    expect(said).toContain('Msg 1222');
    expect(said).toContain('severity 16, state 45');
    expect(said).toContain('Line 3');
    expect(said).toContain('Lock request time out period exceeded.');
  });
});

/** Dates as FreeTDS shows them without a locales.conf: to the minute. */
function freetdsText(type: string, value: string): string {
  if (!/^(?:date|time|smalld)/.test(type)) return value;
  const match = /^(?:(\d{4})-(\d\d)-(\d\d))?[ ]?(?:(\d\d):(\d\d))?/.exec(value);
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const [, year = '1900', month = '01', day = '01', hour = '00', minute = '00'] = match ?? [];
  const twelve = Number(hour) % 12 === 0 ? 12 : Number(hour) % 12;
  const place = (text: string) => String(Number(text)).padStart(2, ' ');
  return `${months[Number(month) - 1]} ${place(day)} ${Number(year)} ${String(twelve).padStart(2, '0')}:${minute}${Number(hour) < 12 ? 'AM' : 'PM'}`;
}

describe('the mssql driver', () => {
  test('reads columns that are NOT NULL in their fixed form', async () => {
    const pool = await connect();
    const { recordset } = await pool.request().query('not_null');
    expect(Object.values(recordset[0] ?? {})).toEqual([true, 2, 3, 4, '5', 1.5, 2.5, 6, 7]);
    await pool.close();
  });

  test('sends typed parameters by sp_executesql, which arrive as they were', async () => {
    const pool = await connect();
    const request = pool.request();
    request.input('a', sql.NVarChar, 'ä𝄞').input('b', sql.BigInt, 9_223_372_036_854_775_807n);
    request.input('c', sql.NVarChar(sql.MAX), 'z'.repeat(10_000)).input('d', sql.NVarChar, null);
    request.input('e', sql.DateTime2(7), new Date('2024-02-29T12:34:56.789Z')).input('f', sql.Bit, true);
    const { recordset } = await request.query('parameters');
    expect(Object.values(recordset[0] ?? {})).toEqual([
      'ä𝄞',
      '9223372036854775807',
      'z'.repeat(10_000),
      null,
      '2024-02-29T12:34:56.7890000',
      '1',
    ]);
    await pool.close();
  });

  test('is told a wrong password (18456) and a database that is not there (4060)', async () => {
    expect(await failure(connect({ password: 'wrong' }))).toContain("Login failed for user 'sa'.");
    expect(await failure(connect({ database: 'other' }))).toMatch(/other|Login failed/);
  });

  test('cancels by attention, which is acknowledged: the connection goes on', async () => {
    const pool = await connect();
    const request = pool.request();
    request.stream = true;
    let rows = 0;
    const ended = Promise.withResolvers<void>();
    request.on('row', () => {
      rows += 1;
      if (rows === 20_000) request.cancel();
    });
    request.on('error', () => undefined);
    request.on('done', () => ended.resolve());
    request.query('endless');
    await ended.promise;
    expect(server.attentions).toBeGreaterThan(0);
    expect((await pool.request().query('not_null')).recordset).toHaveLength(1);
    await pool.close();
  });

  test('sees a connection that is cut in the middle of the rows as an error', async () => {
    const pool = await connect();
    server.faults.cutAfterBytes = 300_000;
    const said = await failure(pool.request().query('endless'));
    delete server.faults.cutAfterBytes;
    expect(said).toMatch(/connection|socket/i);
    await pool.close();
  });

  test('speaks TLS, and is refused without where the server requires it', async () => {
    const secure = await startTdsServer({ handler, certificate: selfSigned(), required: true });
    const pool = await connect({ options: { encrypt: true } }, secure.port);
    expect((await pool.request().query('not_null')).recordset).toHaveLength(1);
    expect([...secure.sessions].map(({ encrypted }) => encrypted)).toEqual([true]);
    await pool.close();
    expect(await failure(connect({}, secure.port))).toContain('requires encryption');
    await secure.stop();
  });
});

async function failure(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'it went well',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
