import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { StepResult } from './step.ts';
import type { TestGroup, TestPlan } from './test-plan.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };

/** Runs the files of a group; `report` is where the JUnit report of it goes. */
export type RunGroup = (group: TestGroup, report: string) => Promise<StepResult>;

/**
 * Runs a plan: what may run beside each other in so many lanes, each of which takes the next group when it is free,
 * then the rest alone. What a group printed is told in one piece when it has ended.
 *
 * @param folder for the reports, one of each group; emptied first
 * @param stop when aborted, no further group is begun
 * @returns the sum of the groups' reports; a group that fails in another way than by failed tests, or leaves no report
 * of a test, is one failure more
 */
export async function runPlan(
  { beside, alone }: TestPlan,
  lanes: number,
  folder: string,
  runGroup: RunGroup,
  stop: AbortSignal,
): Promise<Counts> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let sum = NOTHING;
  let started = 0;
  const inLanes = (groups: readonly TestGroup[], count: number): Promise<unknown> => {
    const waiting = [...groups];
    const lane = async (): Promise<void> => {
      for (let group = waiting.shift(); group !== undefined && !stop.aborted; group = waiting.shift()) {
        const report = join(folder, `${++started}.xml`);
        const result = await runGroup(group, report);
        sum = add(sum, outcomeOf(result, existsSync(report) ? readFileSync(report, 'utf8') : ''));
      }
    };
    return Promise.all(Array.from({ length: count }, lane));
  };
  await inLanes(beside, lanes);
  await inLanes(alone, 1);
  return sum;
}

/** The totals on the report's root element; without a report nothing is known to have passed. */
export function countsOf(report: string): Counts {
  const root = /<testsuites\b[^>]*>/.exec(report)?.[0] ?? '';
  const total = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const [failed, skipped] = [total('failures') + total('errors'), total('skipped')];
  return { passed: total('tests') - failed - skipped, failed, skipped };
}

/** A process that failed without a failed test, or ended well without having run one, counts as one failure. */
export function outcomeOf(step: StepResult, report: string): Counts {
  const counts = countsOf(report);
  const ran = counts.passed + counts.failed + counts.skipped > 0;
  return counts.failed === 0 && !(step.ok && ran) ? { ...counts, failed: 1 } : counts;
}

function add(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}
