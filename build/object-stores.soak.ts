/** Commits on S3 and Azure with every fault at every request, and runs that are killed at every request. */
import { join } from 'node:path';
import { azurite } from './services/azurite.ts';
import { moto } from './services/moto.ts';
import { startServices } from './services/start.ts';

const tests = ['src/lake/commit.stores.test.ts', 'src/crash/object-store-kill.test.ts'];
const services = await startServices([moto, azurite]);
const child = Bun.spawn([process.execPath, 'test', '--timeout=3600000', ...tests], {
  cwd: join(import.meta.dir, '..'),
  env: { ...process.env, ...services.env, FOUNDRY_SOAK: '1' },
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.exitCode = await child.exited;
await services.stop();
