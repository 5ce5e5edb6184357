import { startServices } from './services/start.ts';

/**
 * `bun build/services.ts`: starts the servers that the tests need, prints what tells the tests where they are, and
 * keeps them until it is interrupted or its standard input ends. For work on single tests:
 * `bun build/services.ts > services.env & … source services.env`.
 */
const services = await startServices();
for (const [name, value] of Object.entries(services.env)) console.log(`export ${name}='${value}'`);
const end = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
});
setInterval(() => undefined, 60_000);
await end;
await services.stop();
process.exit(services.missing.length === 0 ? 0 : 1);
