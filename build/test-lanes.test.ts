import { expect, test } from 'bun:test';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../src/testing/binary.ts';
import { runInterleaved, type StepResult } from './step.ts';
import { countsOf, NOTHING, outcomeOf, type RunGroup, runPlan } from './test-lanes.ts';

const NEVER = new AbortController().signal;
const step = (ok: boolean): StepResult => ({ name: 'g', ok, milliseconds: 1, output: '' });
const report = (tests: number, failures = 0, skipped = 0): string =>
  `<?xml version="1.0"?>\n<testsuites name="bun test" tests="${tests}" assertions="40" failures="${failures}" skipped="${skipped}" time="3">\n<testsuite tests="5" failures="5"/>`;
const group = (name: string) => ({ name, files: [name] });

test('the totals are read from the root of the report', () => {
  expect(countsOf(report(12, 2, 1))).toEqual({ passed: 9, failed: 2, skipped: 1 });
});

test('an absent report is no success', () => {
  expect(countsOf('')).toEqual(NOTHING);
  expect(outcomeOf(step(true), '')).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('a process that fails without a failed test is a failure, and one whose tests failed counts those', () => {
  expect(outcomeOf(step(false), report(5))).toEqual({ passed: 5, failed: 1, skipped: 0 });
  expect(outcomeOf(step(false), report(5, 3))).toEqual({ passed: 2, failed: 3, skipped: 0 });
  expect(outcomeOf(step(true), report(0))).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(outcomeOf(step(true), report(5, 0, 5))).toEqual({ passed: 0, failed: 0, skipped: 5 });
});

test('two lanes run each group once, never three at a time, and the ones that are alone after all others', async () => {
  using folder = temporaryFolder();
  const told: string[] = [];
  let running = 0;
  let most = 0;
  const run: RunGroup = async ({ name }, path) => {
    running += 1;
    if (name.startsWith('alone')) expect(running).toBe(1);
    most = Math.max(most, running);
    await Bun.sleep(name === 'a' ? 30 : 5);
    running -= 1;
    told.push(name);
    writeFileSync(path, report(3, name === 'b' ? 1 : 0));
    return step(name !== 'b');
  };
  const plan = {
    beside: ['a', 'b', 'c', 'd'].map(group),
    alone: ['alone 1', 'alone 2'].map(group),
  };
  expect(await runPlan(plan, 2, join(folder.path, 'reports'), run, NEVER)).toEqual({
    passed: 17,
    failed: 1,
    skipped: 0,
  });
  expect(most).toBe(2);
  expect(told.slice(0, 4).sort()).toEqual(['a', 'b', 'c', 'd']);
  expect(told.slice(4)).toEqual(['alone 1', 'alone 2']);
});

test('a report of an earlier run is never counted', async () => {
  using folder = temporaryFolder();
  const reports = join(folder.path, 'reports');
  const plan = { beside: [group('a')], alone: [] };
  const leaveReport: RunGroup = async (_, path) => {
    writeFileSync(path, report(3));
    return step(true);
  };
  expect((await runPlan(plan, 1, reports, leaveReport, NEVER)).passed).toBe(3);
  const dies: RunGroup = async (_, path) => {
    expect(existsSync(path)).toBeFalse();
    return step(false);
  };
  expect(await runPlan(plan, 1, reports, dies, NEVER)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('nothing is begun after an interruption, and what runs is ended', async () => {
  using folder = temporaryFolder();
  const stop = new AbortController();
  const begun: string[] = [];
  const run: RunGroup = async ({ name }) => {
    begun.push(name);
    setTimeout(() => stop.abort(), 20);
    return runInterleaved(name, ['sleep', '60'], process.env, stop.signal);
  };
  const plan = { beside: ['a', 'b'].map(group), alone: [group('c')] };
  expect((await runPlan(plan, 1, folder.path, run, stop.signal)).failed).toBe(1);
  expect(begun).toEqual(['a']);
});

test('what a step printed on both its streams is told in its order', async () => {
  const command = ['sh', '-c', 'echo one; echo two >&2; echo three; exit 3'];
  const { ok, output } = await runInterleaved('s', command, process.env, NEVER);
  expect([ok, output]).toEqual([false, 'one\ntwo\nthree']);
});
