import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type RunningServices, startServices } from './services/start.ts';
import { formatStep, ROOT, runInterleaved, runVisible, type StepResult } from './step.ts';
import { type Counts, NOTHING, type RunGroup, runPlan } from './test-lanes.ts';
import { planTests } from './test-plan.ts';
import { provideTools } from './tools.ts';

const REPORTS = join(ROOT, '.tools', 'test-reports');
/** Tests that drive processes outlast Bun's own 5 s on a busy machine. */
const TEST_TIMEOUT_MS = 120_000;
/** No more: all tests share the servers, and their limits of time are tried with two. */
const LANES = Math.min(2, availableParallelism());

/** All that must hold before a change is whole: tools, servers, check, compile, tests. Arguments go to `bun test`. */
async function main(filters: readonly string[]): Promise<void> {
  const steps: StepResult[] = [];
  let counts = NOTHING;
  const stop = new AbortController();

  const start = performance.now();
  const { env, missing } = provideTools();
  const toolsOk = missing.length === 0 || allowsMissing();
  if (!toolsOk) console.error('Set FOUNDRY_TEST_ALLOW_MISSING=1 to skip the tests that need them.');
  steps.push({ name: 'tools', ok: toolsOk, milliseconds: performance.now() - start, output: '' });

  if (toolsOk) {
    // They start while the steps before the tests run.
    const starting = startTimed();
    stopWhenInterrupted(starting, stop);
    try {
      steps.push(await runVisible('check', [process.execPath, 'build/check.ts']));
      const compiled = await runVisible('compile', [process.execPath, 'build/compile.ts']);
      steps.push(compiled);
      const { services, step } = await starting;
      steps.push(step);
      if (compiled.ok && step.ok) {
        const tests = await runTests(filters, { ...process.env, ...env, ...services.env }, stop.signal);
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

/** Who interrupts the tests leaves no server and no test behind. */
function stopWhenInterrupted(starting: Promise<{ services: RunningServices }>, stop: AbortController): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, async () => {
      stop.abort();
      await (await starting).services.stop();
      process.exit(code);
    });
  }
}

/** Arguments go to one `bun test`; without any, all files run, in as many processes at a time as there are lanes. */
async function runTests(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  stop: AbortSignal,
): Promise<{ step: StepResult; counts: Counts }> {
  const start = performance.now();
  const bunTest = (report: string) => [
    ...[process.execPath, 'test', `--timeout=${TEST_TIMEOUT_MS}`],
    ...['--reporter=junit', `--reporter-outfile=${report}`],
  ];
  const visibly: RunGroup = ({ name, files }, report) =>
    runVisible(name, [...bunTest(report), ...files], env);
  const inOnePiece: RunGroup = async ({ name, files }, report) => {
    // Paths that begin like this are files; anything else would also match other files that hold it.
    const step = await runInterleaved(
      name,
      [...bunTest(report), ...files.map((file) => `./${file}`)],
      env,
      stop,
    );
    console.error(`\n── ${name}\n${step.output}\n${formatStep(step)}`);
    return step;
  };
  const counts =
    args.length > 0
      ? await runPlan({ beside: [], alone: [{ name: 'tests', files: args }] }, 1, REPORTS, visibly, stop)
      : await runPlan(planTests(testFiles()), LANES, REPORTS, inOnePiece, stop);
  const step = {
    name: 'tests',
    ok: counts.failed === 0,
    milliseconds: performance.now() - start,
    output: '',
  };
  return { step, counts };
}

function testFiles(): string[] {
  return [...new Bun.Glob('{src,build}/**/*.test.ts').scanSync(ROOT)];
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

await main(process.argv.slice(2));
