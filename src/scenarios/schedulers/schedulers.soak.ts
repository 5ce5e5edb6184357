/** 200 runs instead of the slice that `npm test` takes; FOUNDRY_SOAK_RUNS and FOUNDRY_SOAK_SEED change it. */
import { join } from 'node:path';

const { exitCode } = Bun.spawnSync([process.execPath, 'test', import.meta.dir], {
  cwd: join(import.meta.dir, '..', '..', '..'),
  env: { ...process.env, FOUNDRY_SOAK: '1' },
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.exitCode = exitCode;
