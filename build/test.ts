import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatStep, ROOT, runVisible, type StepResult } from './step.ts';
import { provideTools } from './tools.ts';

const REPORT = join(ROOT, '.tools', 'test-report.xml');
/** Tests that drive processes outlast Bun's own 5 s on a busy machine. */
const TEST_TIMEOUT_MS = 120_000;

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Everything that must hold before a change is whole: tools, check, compile, tests. Arguments go to `bun test`. */
async function main(filters: readonly string[]): Promise<void> {
  const steps: StepResult[] = [];
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };

  const start = performance.now();
  const { env, missing } = provideTools();
  const toolsOk = missing.length === 0 || process.env.FOUNDRY_TEST_ALLOW_MISSING === '1';
  if (!toolsOk) console.error('Set FOUNDRY_TEST_ALLOW_MISSING=1 to skip the tests that need them.');
  steps.push({ name: 'tools', ok: toolsOk, milliseconds: performance.now() - start, output: '' });

  if (toolsOk) {
    steps.push(await runVisible('check', [process.execPath, 'build/check.ts']));
    const compiled = await runVisible('compile', [process.execPath, 'build/compile.ts']);
    steps.push(compiled);
    if (compiled.ok) {
      const tests = await runTests(filters, { ...process.env, ...env });
      counts = tests.counts;
      steps.push(tests.step);
    }
  }
  summarise(steps, counts);
}

async function runTests(
  filters: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ step: StepResult; counts: Counts }> {
  mkdirSync(join(ROOT, '.tools'), { recursive: true });
  rmSync(REPORT, { force: true });
  const where = filters.length > 0 ? filters : ['src', 'build'];
  const reporter = ['--reporter=junit', `--reporter-outfile=${REPORT}`];
  const command = [process.execPath, 'test', `--timeout=${TEST_TIMEOUT_MS}`, ...reporter, ...where];
  const step = await runVisible('tests', command, env);
  return { step, counts: existsSync(REPORT) ? countsOf(readFileSync(REPORT, 'utf8')) : countsOf('') };
}

/** The totals on the report's root element; without a report nothing is known to have passed. */
export function countsOf(report: string): Counts {
  const root = /<testsuites\b[^>]*>/.exec(report)?.[0] ?? '';
  const total = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const [failed, skipped] = [total('failures') + total('errors'), total('skipped')];
  return { passed: total('tests') - failed - skipped, failed, skipped };
}

/** A step that failed without a failed test in it counts as one failure: the last line never says less. */
function summarise(steps: readonly StepResult[], counts: Counts): void {
  const broken = steps.filter((step) => !step.ok && (step.name !== 'tests' || counts.failed === 0)).length;
  const failed = counts.failed + broken;
  process.exitCode = failed === 0 ? 0 : 1;
  for (const step of steps) console.error(formatStep(step));
  if (counts.skipped > 0) console.error(`${counts.skipped} skipped`);
  process.stdout.write(`${counts.passed} passed, ${failed} failed\n`);
}

if (import.meta.main) await main(process.argv.slice(2));
