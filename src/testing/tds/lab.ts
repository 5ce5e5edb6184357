import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { DatabaseLab, DatabaseWords } from '../database-words.ts';
import type { LabRequest } from './lab-server.ts';

const WORDS: DatabaseWords = {
  integer: 'bigint',
  decimal: 'decimal(38,10)',
  timestamp: 'datetime2(6)',
  text: 'varchar(100)',
};

type Work = LabRequest extends infer Request
  ? Request extends LabRequest
    ? Omit<Request, 'n'>
    : never
  : never;

/**
 * A TDS server with tables of its own, in a process of its own: two engines in one would wait for each other's threads.
 * @param words types that differ from the usual ones
 */
export async function tdsLab(words: Partial<DatabaseWords> = {}): Promise<DatabaseLab> {
  const called = { ...WORDS, ...words };
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'lab-server.ts')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const lines = createInterface({ input: Readable.fromWeb(child.stdout as never) });
  const started = Promise.withResolvers<string>();
  const waiting = new Map<number, (error: string | undefined) => void>();
  lines.on('line', (line) => {
    const answer = JSON.parse(line) as { url?: string; n?: number; error?: string };
    if (answer.url !== undefined) started.resolve(answer.url);
    else waiting.get(answer.n ?? 0)?.(answer.error);
  });
  let requests = 0;
  const ask = (work: Work): Promise<void> =>
    new Promise((resolve, reject) => {
      requests += 1;
      waiting.set(requests, (error) => (error === undefined ? resolve() : reject(new Error(error))));
      child.stdin.write(`${JSON.stringify({ n: requests, ...work })}\n`);
      child.stdin.flush();
    });
  return {
    url: await started.promise,
    create: (table, columns) =>
      ask({
        create: table,
        columns: Object.fromEntries(Object.entries(columns).map(([name, word]) => [name, called[word]])),
      }),
    // Times are kept as text of 100 ns there.
    run: (sql) => ask({ run: sql.replace(/'(\d{4}-\d\d-\d\dT[\d:]+\.\d{6})'/g, "'$10'") }),
    drop: async () => {
      child.stdin.end();
      await child.exited;
    },
  };
}
