import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { serviceUrl } from './services.ts';

/** An empty database of its own on the PostgreSQL that tests use. */
export interface TestPostgres {
  readonly url: string;
  readonly name: string;
  /** Runs a script. */
  run(script: string): Promise<void>;
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
    query: async (text) => [...(await sql.unsafe(text))] as Record<string, unknown>[],
    async drop() {
      await sql.end({ timeout: 1 });
      await admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.end({ timeout: 1 });
    },
  };
}
