import { ROOT, runVisible } from './step.ts';

/**
 * Runs every script whose path matches, one after the other, each in a process of its own.
 * @param filters a script runs when its path contains one of them; none means all.
 * @returns how many failed; a filter that matches nothing is a failure too.
 */
export async function runAll(glob: string, filters: readonly string[]): Promise<number> {
  const scripts = [...new Bun.Glob(glob).scanSync(ROOT)]
    .filter((path) => !path.includes('node_modules'))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort();
  if (scripts.length === 0 && filters.length > 0) {
    console.error(`no script matches ${filters.join(', ')}`);
    return 1;
  }
  let failed = 0;
  for (const script of scripts) {
    console.error(`\n── ${script}`);
    const { ok, milliseconds } = await runVisible(script, [process.execPath, script]);
    console.error(`${ok ? 'done' : 'FAILED'} in ${(milliseconds / 1000).toFixed(1)} s`);
    if (!ok) failed++;
  }
  return failed;
}
