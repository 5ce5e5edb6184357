import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningServices, startServices } from './services/start.ts';
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

/** All that must hold before a change is whole: tools, servers, check, compile, tests. Arguments go to `bun test`. */
async function main(filters: readonly string[]): Promise<void> {
  const steps: StepResult[] = [];
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };

  const start = performance.now();
  const { env, missing } = provideTools();
  const toolsOk = missing.length === 0 || allowsMissing();
  if (!toolsOk) console.error('Set FOUNDRY_TEST_ALLOW_MISSING=1 to skip the tests that need them.');
  steps.push({ name: 'tools', ok: toolsOk, milliseconds: performance.now() - start, output: '' });

  if (toolsOk) {
    // They start while the steps before the tests run.
    const starting = startTimed();
    stopWhenInterrupted(starting);
    try {
      steps.push(await runVisible('check', [process.execPath, 'build/check.ts']));
      const compiled = await runVisible('compile', [process.execPath, 'build/compile.ts']);
      steps.push(compiled);
      const { services, step } = await starting;
      steps.push(step);
      if (compiled.ok && step.ok) {
        const tests = await runTests(filters, { ...process.env, ...env, ...services.env });
        counts = tests.counts;
        steps.push(tests.step);
      }
    } finally {
      await (await starting).services.stop();
    }
  }
  summarise(steps, counts);
}

function allowsMissing(): boolean {
  return process.env.FOUNDRY_TEST_ALLOW_MISSING === '1';
}

async function startTimed(): Promise<{ services: RunningServices; step: StepResult }> {
  const start = performance.now();
  const services = await startServices();
  const ok = services.missing.length === 0 || allowsMissing();
  if (!ok) console.error('Set FOUNDRY_TEST_ALLOW_MISSING=1 to skip the tests that need them.');
  return { services, step: { name: 'services', ok, milliseconds: performance.now() - start, output: '' } };
}

/** Who interrupts the tests leaves no server behind. */
function stopWhenInterrupted(starting: Promise<{ services: RunningServices }>): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, async () => {
      await (await starting).services.stop();
      process.exit(code);
    });
  }
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
