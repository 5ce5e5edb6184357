import { expect, test } from 'bun:test';
import { apiSource } from '../../config/api/source.ts';
import { startApiServer } from '../../testing/api-server.ts';
import { openApiSource } from './api-source.ts';

test('a source that is closed lets go of what is under way, also of an answer that never comes', async () => {
  let dropped = 0;
  const server = startApiServer((request) => {
    if (request.query.page === '1') return [{ id: 1 }];
    request.signal.addEventListener('abort', () => {
      dropped += 1;
    });
    return new Promise(() => {});
  });
  try {
    const spec = apiSource({ base_url: server.url, pagination: { type: 'page', page_size: 1 } }, {});
    const source = openApiSource(spec, { runDate: { date: '2025-01-05' }, warn() {}, env: {} });
    const rows = source.read({ signal: new AbortController().signal })[Symbol.asyncIterator]();
    const first = rows.next().catch((error: { readonly code: string }) => error.code);
    while (server.requests.length < 2) await Bun.sleep(1);
    await source.close?.();
    expect(await first).toBe('INT001');
    while (dropped === 0) await Bun.sleep(1);
  } finally {
    await server.stop();
  }
});
