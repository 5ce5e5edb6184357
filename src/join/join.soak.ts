/** Joins against a nested loop, and as-of joins, over hundreds of runs each, instead of the slice that `npm test` takes. */
import { join } from 'node:path';

const { exitCode } = Bun.spawnSync(
  [process.execPath, 'test', join(import.meta.dir, 'oracle.test.ts'), join(import.meta.dir, 'as-of.test.ts')],
  {
    cwd: join(import.meta.dir, '..', '..'),
    env: { ...process.env, FOUNDRY_SOAK: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
  },
);
process.exitCode = exitCode;
