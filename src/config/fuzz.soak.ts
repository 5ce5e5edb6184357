/** The tests of configs that depend on counts and times, in full: 10,000 mutations of each kind, strict times. */
import { join } from 'node:path';

const tests = ['fuzz.test.ts', 'multi.test.ts'].map((name) => join(import.meta.dir, name));
const { exitCode } = Bun.spawnSync([process.execPath, 'test', ...tests], {
  cwd: join(import.meta.dir, '..', '..'),
  env: { ...process.env, FOUNDRY_SOAK: '1' },
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.exitCode = exitCode;
