import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { BUILD_INFO } from '../src/core/build-info.ts';
import {
  type BenchRecord,
  type BenchResults,
  compareResults,
  mergeBaseline,
  parseBenchArgs,
  renderResults,
} from './bench/results.ts';
import { runAll } from './run-all.ts';
import { ROOT, runVisible } from './step.ts';

/**
 * `bun run bench [scenario …] [--save-baseline]`: compiles, then measures file, api, rate-limit, database, silver, join,
 * storage and startup, or those that are named. Results are in `.bench/results.json` and in a table, their ratios beside
 * those of `build/bench/baseline.json`, which --save-baseline writes. Exits 1 where a promise of the docs is broken.
 */
const { filters, saveBaseline } = parseBenchArgs(process.argv.slice(2));
const folder = join(ROOT, '.bench');
const baselineFile = join(import.meta.dir, 'bench', 'baseline.json');
const recordsFile = join(folder, 'records.jsonl');

mkdirSync(folder, { recursive: true });
rmSync(recordsFile, { force: true });
process.env.FOUNDRY_BENCH_RECORDS = recordsFile;

const compiled = await runVisible('compile', [process.execPath, 'build/compile.ts']);
const failed = compiled.ok ? await runAll('{src,build}/**/*.bench.ts', filters) : 1;
process.exitCode = failed === 0 ? 0 : 1;
report(readRecords());

function report(records: readonly BenchRecord[]): void {
  if (records.length === 0) return;
  const baseline = readBaseline();
  write(join(folder, 'results.json'), records);
  console.log(`\n${renderResults(compareResults(records, baseline))}`);
  if (saveBaseline) write(baselineFile, mergeBaseline(baseline, records));
}

function readRecords(): readonly BenchRecord[] {
  if (!existsSync(recordsFile)) return [];
  const lines = readFileSync(recordsFile, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as BenchRecord);
}

function readBaseline(): readonly BenchRecord[] {
  if (!existsSync(baselineFile)) return [];
  return (JSON.parse(readFileSync(baselineFile, 'utf8')) as BenchResults).records;
}

function write(file: string, records: readonly BenchRecord[]): void {
  const results: BenchResults = {
    at: new Date().toISOString(),
    version: BUILD_INFO.version,
    machine: {
      platform: `${process.platform}-${process.arch}`,
      cpus: availableParallelism(),
      memory_gb: Math.round(totalmem() / 1e9),
    },
    records,
  };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}
