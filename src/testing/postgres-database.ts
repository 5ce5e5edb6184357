import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import type { WatchedLab } from './database-manners.ts';
import type { DatabaseWords } from './database-words.ts';
import { serviceUrl } from './services.ts';

/** An empty database of its own on the PostgreSQL that tests use. */
export interface TestPostgres {
  readonly url: string;
  readonly name: string;
  /** Runs a script. */
  run(script: string): Promise<void>;
  /** Runs a script on a connection of its own, so that it may begin a transaction. */
  alone(script: string): Promise<void>;
  /** Rows of text. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

export async function openTestPostgres(): Promise<TestPostgres> {
  const server = serviceUrl('FOUNDRY_TEST_POSTGRES_URL');
  const name = `foundry_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  const admin = postgres(server, { max: 1, onnotice: () => undefined });
  await admin.unsafe(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const sql = postgres(url.href, { max: 4, onnotice: () => undefined });
  return {
    url: url.href,
    name,
    run: async (script) => {
      await sql.unsafe(script);
    },
    async alone(script) {
      const own = postgres(url.href, { max: 1, onnotice: () => undefined });
      await own.unsafe(script);
      await own.end({ timeout: 1 });
    },
    query: async (text) => [...(await sql.unsafe(text))] as Record<string, unknown>[],
    async drop() {
      await sql.end({ timeout: 1 });
      await admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.end({ timeout: 1 });
    },
  };
}

const WORDS: DatabaseWords = {
  integer: 'bigint',
  decimal: 'numeric(38,10)',
  timestamp: 'timestamp',
  text: 'text',
};

/** The same as the suites of all databases want it. */
export async function postgresLab(): Promise<WatchedLab & TestPostgres> {
  const database = await openTestPostgres();
  return {
    ...database,
    async holdTable(table) {
      const own = postgres(database.url, { max: 1, onnotice: () => undefined });
      await own.unsafe(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
      return () => own.end({ timeout: 1 });
    },
    async sessions() {
      const rows = await database.query(
        `SELECT xact_start::text AS began FROM pg_stat_activity WHERE datname = '${database.name}' AND application_name = 'foundry'`,
      );
      return rows.map(({ began }) => (began === null ? {} : { transaction: String(began) }));
    },
    async create(table, columns) {
      const list = Object.entries(columns).map(([name, word]) => `${name} ${WORDS[word]}`);
      await database.run(`CREATE TABLE ${table} (${list.join(', ')})`);
    },
  };
}
