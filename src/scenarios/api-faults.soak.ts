/** All of the thousand APIs that break, of which `npm test` takes a slice. */
import { join } from 'node:path';

const { exitCode } = Bun.spawnSync([process.execPath, 'test', join(import.meta.dir, 'api-faults.test.ts')], {
  cwd: join(import.meta.dir, '..', '..'),
  env: { ...process.env, FOUNDRY_SOAK: '1' },
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.exitCode = exitCode;
