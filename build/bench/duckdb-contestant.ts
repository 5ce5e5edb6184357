import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contestant } from './harness.ts';

const ENGINE = join(import.meta.dir, '..', '..', 'node_modules', '@duckdb', 'node-api', 'lib', 'index.js');

/** Bare SQL in a process of its own. */
export async function duckdb(
  name: string,
  folder: string,
  script: string,
  statements: readonly string[],
  prepare?: Contestant['prepare'],
): Promise<Contestant> {
  const file = join(folder, `${script}.ts`);
  const runs = statements.map((sql) => `await connection.run(${JSON.stringify(sql)});`).join('\n');
  await writeFile(
    file,
    `import { DuckDBInstance } from ${JSON.stringify(ENGINE)};\n` +
      `const connection = await (await DuckDBInstance.create(':memory:')).connect();\n${runs}\n`,
  );
  return { name, command: [process.execPath, file], ...(prepare && { prepare }) };
}
