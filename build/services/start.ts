import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { azurite } from './azurite.ts';
import { mariadb } from './mariadb.ts';
import { moto } from './moto.ts';
import { postgres } from './postgres.ts';
import type { RunningService, Service } from './service.ts';

/** What the tests need to have running. A further service is one more file and one more entry. */
export const SERVICES: readonly Service[] = [postgres, mariadb, moto, azurite];

export interface RunningServices {
  /** What tells the tests where the servers are. */
  readonly env: Readonly<Record<string, string>>;
  /** Those that are neither here nor could be started; why, is on stderr. */
  readonly missing: readonly Service[];
  /** Stops every server and removes its folder; a second call waits for the first. */
  stop(): Promise<void>;
}

/** Finds each service, installing what is absent, and starts them all at once; nothing is thrown. */
export async function startServices(services: readonly Service[] = SERVICES): Promise<RunningServices> {
  const root = mkdtempSync(join(tmpdir(), 'foundry-services-'));
  chmodSync(root, 0o711);
  const env: Record<string, string> = {};
  const missing: Service[] = [];
  const running: RunningService[] = [];
  await Promise.all(
    services.filter(isNotGiven).map(async (service) => {
      try {
        provide(service);
        // Read by the server's own user, below a folder that nobody can list.
        const folder = join(root, service.name);
        mkdirSync(folder, { mode: 0o755 });
        const started = await service.start(folder);
        running.push(started);
        Object.assign(env, started.env);
      } catch (error) {
        console.error(`${service.name}: ${error instanceof Error ? error.message : String(error)}`);
        console.error(`MISSING ${service.name}, which ${service.purpose}. What to do: ${service.remedy}`);
        missing.push(service);
      }
    }),
  );
  let stopping: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    await Promise.all(running.map((service) => service.stop()));
    rmSync(root, { recursive: true, force: true });
  };
  return { env, missing, stop: () => (stopping ??= stopAll()) };
}

function isNotGiven({ variables }: Service): boolean {
  return variables.some((name) => (process.env[name] ?? '') === '');
}

function provide(service: Service): void {
  if (service.find()) return;
  console.error(`${service.name}: not found, installing`);
  service.install();
  if (!service.find()) throw new Error('it was installed and is still not found');
}
