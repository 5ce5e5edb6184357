import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkCircles } from './circles.ts';
import { checkLayers } from './layers.ts';
import { formatStep, packageScript, ROOT, runCaptured, type StepResult } from './step.ts';

const LINES_WARNED = 250;
/** Program files only: a long list of tests is still easy to read. */
const LINES_REFUSED = 400;

/** Scripts that write files which are committed; each one's `--check` fails where they would change. */
const GENERATORS = ['build/schemas.ts', 'build/docs.ts'];

async function main(): Promise<void> {
  const results = await Promise.all([
    runCaptured('format and lint', packageScript('@biomejs/biome/bin/biome', 'check', '--error-on-warnings')),
    runCaptured('types', packageScript('typescript/bin/tsc', '-p', '.')),
    runCaptured(
      'unused code',
      packageScript('knip/bin/knip.js', '--config', 'build/knip.jsonc', '--no-progress'),
    ),
    inProcess('layers', () => checkLayers(ROOT)),
    inProcess('circles', () => checkCircles(ROOT)),
    inProcess('file length', () => checkLength(ROOT)),
    ...GENERATORS.filter((script) => existsSync(join(ROOT, script))).map((script) =>
      runCaptured(`drift of ${script}`, [process.execPath, script, '--check']),
    ),
  ]);
  for (const result of results) {
    console.error(formatStep(result));
    if (!result.ok) console.error(result.output);
  }
  process.exitCode = results.every((result) => result.ok) ? 0 : 1;
}

async function inProcess(name: string, check: () => Promise<readonly string[]>): Promise<StepResult> {
  const start = performance.now();
  const problems = await check();
  return {
    name,
    ok: problems.length === 0,
    milliseconds: performance.now() - start,
    output: problems.join('\n'),
  };
}

async function checkLength(root: string): Promise<readonly string[]> {
  const problems: string[] = [];
  for await (const file of new Bun.Glob('{src,build}/**/*.{ts,mjs}').scan(root)) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n').length - 1;
    const limit = file.endsWith('.test.ts') ? Number.POSITIVE_INFINITY : LINES_REFUSED;
    if (lines > limit) problems.push(`${file} has ${lines} lines; split it (limit ${limit})`);
    else if (lines > LINES_WARNED && Number.isFinite(limit))
      console.error(`warn ${file} has ${lines} lines (aim: ${LINES_WARNED})`);
  }
  return problems;
}

await main();
