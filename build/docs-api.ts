import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import jsonServer from 'json-server';

/** An API of a week of earthquakes, for pages that ask one. */
export async function startQuakes(root: string): Promise<{ readonly url: string; stop(): void }> {
  const file = join(root, 'fixtures/data/earthquakes.json');
  const { features } = JSON.parse(readFileSync(file, 'utf8'));
  const quakes = features.map((feature: { id: string; properties: object }) => ({
    id: feature.id,
    ...feature.properties,
  }));
  const app = jsonServer.create();
  app.use(jsonServer.defaults({ logger: false }));
  app.use(jsonServer.router({ quakes }));
  const server = await new Promise<import('node:http').Server>((resolve) => {
    const started = app.listen(0, '127.0.0.1', () => resolve(started));
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
