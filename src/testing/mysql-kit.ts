import { randomBytes } from 'node:crypto';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { WatchedLab } from './database-manners.ts';
import type { DatabaseWords } from './database-words.ts';
import { serviceUrl } from './services.ts';

/** A database of its own on the MariaDB (or MySQL) that tests have, with all rights in it. */
export interface MysqlLab extends WatchedLab {
  readonly database: string;
  /** Runs statements one after another. */
  run(...statements: readonly string[]): Promise<void>;
  /** Rows as arrays of what the driver makes of them. */
  rows(sql: string): Promise<readonly unknown[][]>;
}

const TRANSACTIONS_STALE_MS = 110;

const WORDS: DatabaseWords = {
  integer: 'bigint',
  decimal: 'decimal(38,10)',
  timestamp: 'datetime(6)',
  text: 'varchar(100)',
};

export function mysqlLab(): Promise<MysqlLab> {
  return mysqlLabOn(serviceUrl('FOUNDRY_TEST_MYSQL_URL'));
}

/** The same on a server of one's own. */
export async function mysqlLabOn(place: string): Promise<MysqlLab> {
  const server = new URL(place);
  const database = `foundry_${randomBytes(6).toString('hex')}`;
  const connect = () =>
    createConnection({
      host: server.hostname,
      port: Number(server.port || 3306),
      user: decodeURIComponent(server.username),
      password: decodeURIComponent(server.password),
      charset: 'utf8mb4_unicode_ci',
    });
  const connection = await connect();
  const own = new Set([connection.threadId]);
  connection.on('error', () => undefined);
  // So that a year 0 or a day 0 can be written, as old servers let everybody do.
  await connection.query(
    `SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00'`,
  );
  await connection.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`);
  await connection.query(`USE ${database}`);
  const url = new URL(server);
  url.pathname = `/${database}`;
  const rows = async (sql: string): Promise<readonly unknown[][]> => {
    const [found] = await connection.query<RowDataPacket[][]>({ sql, rowsAsArray: true });
    return found;
  };
  return {
    url: url.href,
    database,
    run: async (...statements) => {
      for (const sql of statements) await connection.query(sql);
    },
    create: async (table, columns) => {
      const list = Object.entries(columns).map(([name, word]) => `${name} ${WORDS[word]}`);
      await connection.query(`CREATE TABLE ${table} (${list.join(', ')})`);
    },
    rows,
    async holdTable(table) {
      const holder = await connect();
      own.add(holder.threadId);
      await holder.query(`LOCK TABLES ${database}.${table} WRITE`);
      return () => holder.end();
    },
    async sessions() {
      // The server shows transactions as they were when they were last asked for, if that was sooner.
      await Bun.sleep(TRANSACTIONS_STALE_MS);
      const found = await rows(
        `SELECT p.id, t.trx_started FROM information_schema.processlist p
         LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id WHERE p.db = '${database}'`,
      );
      return found
        .filter(([id]) => !own.has(Number(id)))
        .map(([, began]) => (began === null ? {} : { transaction: String(began) }));
    },
    drop: async () => {
      await connection.query(`DROP DATABASE IF EXISTS ${database}`);
      await connection.end();
    },
  };
}
