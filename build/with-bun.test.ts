import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { packageManager } from '../package.json' with { type: 'json' };

const LAUNCHER = join(import.meta.dir, 'with-bun.mjs');
const PROBE = join(import.meta.dir, 'probes/arguments.ts');
const node = Bun.which('node') ?? process.execPath;

function launch(...args: readonly string[]) {
  return Bun.spawn([node, LAUNCHER, PROBE, ...args], {
    cwd: '/',
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
}

test('the script runs with the pinned Bun, its arguments and its exit code', async () => {
  const child = launch('a', 'b c');
  const said: unknown = JSON.parse(await new Response(child.stdout).text());
  expect(said).toEqual({ bun: packageManager.replace('bun@', ''), args: ['a', 'b c'] });
  expect(await child.exited).toBe(7);
});

test('a signal reaches the script, and the launcher ends as it did', async () => {
  const child = launch('wait');
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill('SIGTERM');
  expect(await child.exited).toBe(143);
});
