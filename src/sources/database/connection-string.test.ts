import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import type { DatabaseEngine } from '../../config/database/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { parseConnectionString } from './connection-string.ts';
import { describeTarget } from './connection-target.ts';

const PASSWORD = 'pa;ss}w/o@rd"\'?#%=';

function read(text: string, engine?: DatabaseEngine) {
  const { password, ...rest } = parseConnectionString(text, engine, 'ERP_DB_URL');
  return { ...rest, ...(password !== undefined && { password: password.reveal() }) };
}

describe('URLs', () => {
  test('say engine, host, port, database and user', () => {
    expect(
      read('postgresql://erp:s3cret@db.example.com:6543/sales?sslmode=verify-full&application_name=x'),
    ).toEqual({
      engine: 'postgres',
      host: 'db.example.com',
      port: 6543,
      database: 'sales',
      user: 'erp',
      password: 's3cret',
      tls: 'verify-full',
      applicationName: 'x',
    });
  });

  test.each([
    ['mysql+pymysql://u:p@h/d', 'mysql'],
    ['mariadb://u@h', 'mysql'],
    ['jdbc:postgresql://h/d?user=u&password=p', 'postgres'],
    ['mssql://u:p@h:1433/d?encrypt=true', 'mssql'],
    ['jdbc:sqlserver://h:1433;databaseName=d;user=u;password={p;w};encrypt=true', 'mssql'],
  ] as const)('%s is of %s', (text, engine) => {
    expect(read(text).engine).toBe(engine);
  });

  test('passwords come percent-encoded', () => {
    expect(read(`postgres://u:${encodeURIComponent(PASSWORD)}@h/d`).password).toBe(PASSWORD);
  });

  test('a password with an @ of its own is read to the last one', () => {
    expect(read('postgres://u:p@ss@h/d')).toMatchObject({ password: 'p@ss', host: 'h' });
  });

  test('IPv6, sockets and defaults', () => {
    expect(read('postgres://[::1]:5433/d')).toMatchObject({ host: '::1', port: 5433 });
    expect(read('postgres:///d')).toEqual({ engine: 'postgres', host: 'localhost', database: 'd' });
    expect(read('postgres:///d?host=/var/run/postgresql')).toMatchObject({ socket: '/var/run/postgresql' });
  });
});

describe('ODBC, ADO.NET and libpq', () => {
  test('the strings that the original took', () => {
    expect(
      read(
        'Driver={ODBC Driver 17 for SQL Server};Server=tcp:sql.example.com,1444;Database=erp;UID=u;PWD={a}};b};',
      ),
    ).toEqual({
      engine: 'mssql',
      host: 'sql.example.com',
      port: 1444,
      database: 'erp',
      user: 'u',
      password: 'a};b',
    });
    expect(
      read('DRIVER={PostgreSQL Unicode};SERVER=h;PORT=5432;DATABASE=d;UID=u;PWD=p;SSLmode=require'),
    ).toEqual({
      engine: 'postgres',
      host: 'h',
      port: 5432,
      database: 'd',
      user: 'u',
      password: 'p',
      tls: 'require',
    });
    expect(read('Driver=MySQL ODBC 8.0 Unicode Driver;Server=h;Database=d;User=u;Password=p').engine).toBe(
      'mysql',
    );
  });

  test('ADO.NET: quotes, synonyms, named instances', () => {
    expect(
      read(
        "Data Source=.\\SQLEXPRESS;Initial Catalog=\"a;b\";User ID=u;Password='it''s';Encrypt=True;TrustServerCertificate=yes",
      ),
    ).toEqual({
      engine: 'mssql',
      host: 'localhost',
      instance: 'SQLEXPRESS',
      database: 'a;b',
      user: 'u',
      password: "it's",
      tls: 'require',
    });
  });

  test('libpq: key=value with quotes', () => {
    expect(read("host=h port=5433 dbname=d user=u password='a b\\'c'")).toEqual({
      engine: 'postgres',
      host: 'h',
      port: 5433,
      database: 'd',
      user: 'u',
      password: "a b'c",
    });
  });

  test('any value comes back from braces and from a URL', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.trim() === text),
        (value) => {
          const braces = `Driver={SQL Server};Server=h;UID=u;PWD={${value.replaceAll('}', '}}')}}`;
          expect(read(braces).password).toBe(value);
          expect(read(`mysql://u:${encodeURIComponent(value)}@h/d`).password).toBe(value);
        },
      ),
    );
  });
});

describe('what cannot be read is refused', () => {
  test.each([
    ['', undefined, 'empty'],
    ['Server=h;Database=d', undefined, 'of which database'],
    ['postgres://h/d', 'mysql', 'db.driver says mysql'],
    ['oracle://u:p@h/d', undefined, 'no database is reached by oracle://'],
    ['postgers://u:p@h/d', undefined, 'did you mean "postgres"'],
    ['Driver={SQL Server};Server=h;PWD={never closed', undefined, 'the value of PWD is not closed'],
    ['Driver={SQL Server};Server=h;Servr=h', undefined, 'the key Servr is not known'],
    ['Driver={SQL Server};Server=a;Server=b', undefined, 'twice'],
    ['DSN=erp;UID=u', 'mssql', 'a DSN'],
    ['Driver={SQL Server};Server=h;Trusted_Connection=yes', undefined, 'Windows'],
    ['postgres://u:p@h:99999/d', undefined, 'the port is no number'],
    ['postgres://u:50%@h/d', undefined, 'percent-encoding'],
    ['postgres://a,b/d', undefined, 'several hosts'],
    ['postgres://h/d?sslmode=perhaps', undefined, 'sslmode is not known'],
  ] as const)('%s', (text, engine, message) => {
    expect(() => parseConnectionString(text, engine, 'ERP_DB_URL')).toThrow(message);
    expect(() => parseConnectionString(text, engine, 'ERP_DB_URL')).toThrow(/^ERP_DB_URL: /);
  });

  test('and no message shows a secret', () => {
    const secret = 'hunter2';
    fc.assert(
      fc.property(
        fc.constantFrom(
          'postgres://u:@@h/d?sslmode=@@',
          'Driver={SQL Server};Server=h;PWD=@@;PWD={x}',
          'Driver={SQL Server};PWD={@@',
          "host=h password='@@",
          'postgres://u:%@@@h',
          'mysql://@@,b/d',
        ),
        (pattern) => {
          let told = '';
          try {
            const target = parseConnectionString(pattern.replaceAll('@@', secret), undefined, 'X');
            told = `${describeTarget(target)} ${JSON.stringify(target)} ${Bun.inspect(target)}`;
          } catch (error) {
            expect(error).toBeInstanceOf(FoundryError);
            told = `${String(error)} ${(error as FoundryError).hint}`;
          }
          expect(told).not.toContain(secret);
        },
      ),
    );
  });
});
