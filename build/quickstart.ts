import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { queryDuckdb } from '../src/testing/parquet.ts';
import { ROOT, runVisible } from './step.ts';

/** The main job on a real file: compile, land the weather of Seattle into Bronze, promote it to Silver, look. */
const OUTPUT = join(ROOT, 'quickstart-output');
const CONFIG = join(ROOT, 'fixtures/intents/intent-state-scd1.yaml');
const DATE = '2016-01-01';
const ROWS_SHOWN = 8;

async function main(): Promise<void> {
  const compiled = await runVisible('compile', [process.execPath, 'build/compile.ts']);
  if (!compiled.ok) throw new Error('the binary did not compile');

  rmSync(OUTPUT, { recursive: true, force: true });
  mkdirSync(OUTPUT);
  const command = [join(ROOT, 'dist/foundry'), 'run-intent', '--config', CONFIG, '--date', DATE];
  console.log(`\n$ cd quickstart-output && foundry run-intent --config ${CONFIG} --date ${DATE}\n`);
  const run = Bun.spawn(command, { cwd: OUTPUT, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' });
  if ((await run.exited) !== 0) throw new Error(`foundry ended with exit code ${run.exitCode}`);

  console.log('\nWhat landed in quickstart-output/\n');
  printTree(OUTPUT, '  ');

  console.log(`\nThe first ${ROWS_SHOWN} rows of Silver, as DuckDB reads them\n`);
  const files = join(OUTPUT, 'silver/**/state_current-*.parquet').replaceAll("'", "''");
  const source = `read_parquet('${files}', hive_partitioning = true)`;
  const rows = await queryDuckdb(
    `SELECT columns(*)::VARCHAR FROM ${source} ORDER BY "date" LIMIT ${ROWS_SHOWN}`,
  );
  if (rows.length === 0) throw new Error('Silver is empty');
  printTable(rows);
  console.log('\nNext: the README shows the config; `npm test` checks everything.');
}

/** Every file and folder below, but not foundry's own locks. */
function printTree(folder: string, indent: string): void {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith('.'));
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      console.log(`${indent}${entry.name}/`);
      printTree(path, `${indent}  `);
    } else {
      console.log(`${indent}${entry.name}  ${(statSync(path).size / 1000).toFixed(1)} kB`);
    }
  }
}

function printTable(rows: readonly Record<string, unknown>[]): void {
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? '')))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of lines) {
    console.log(`  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
  }
}

await main();
