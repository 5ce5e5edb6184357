/** Landing 10,000,000 records of an API, 10,000 a page, stays below 300 MB: `bun run soak api/memory`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foundryBinary } from '../../testing/binary.ts';
import { peakBytesOf } from '../../testing/peak-memory.ts';

const PAGES = Number(process.env.FOUNDRY_SOAK_PAGES ?? 1000);
const ROWS = 10_000;
const LIMIT = 300e6;

function pageText(page: number): string {
  const records = Array.from({ length: page < PAGES ? ROWS : 0 }, (_, row) => {
    const id = page * ROWS + row;
    const time = `2025-01-05T10:${String(id % 60).padStart(2, '0')}:00Z`;
    return `{"id":${id},"customer":"customer ${id % 9999}","email":"c${id}@example.com","city":"City ${id % 313}","amount":${(id % 100_000) / 100},"quantity":${id % 97},"updated_at":"${time}","paid":${id % 3 > 0},"note":"note, ${id % 77} and more"}`;
  });
  return `{"items":[${records.join(',')}]}`;
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 255,
  fetch: (request) => {
    const page = Number(new URL(request.url).searchParams.get('page') ?? 1) - 1;
    return new Response(pageText(page), { headers: { 'content-type': 'application/json' } });
  },
});
const folder = await mkdtemp(join(tmpdir(), 'foundry-api-memory-'));
try {
  const config = join(folder, 'a.yaml');
  const api = {
    base_url: server.url.href,
    endpoint: '/rows',
    pagination: { type: 'page', page_size: ROWS },
    timeouts: { idle_seconds: 300 },
  };
  const document = {
    config_version: 1,
    platform: { bronze: { storage_backend: 'local', local_path: join(folder, 'lake') } },
    source: { type: 'api', system: 's', table: 't', api, run: {} },
  };
  await writeFile(config, JSON.stringify(document));
  const started = performance.now();
  const command = [
    foundryBinary(),
    'bronze',
    '--config',
    config,
    '--date',
    '2025-01-05',
    '--output',
    'json',
    '--quiet',
  ];
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' });
  let peak = 0;
  const watch = setInterval(() => {
    peak = peakBytesOf(child.pid) ?? peak;
  }, 50);
  const [text] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  clearInterval(watch);
  const { reports } = JSON.parse(text) as { reports: { rows: number }[] };
  const isKept = peak < LIMIT && reports[0]?.rows === PAGES * ROWS;
  process.stdout.write(
    `${isKept ? 'kept  ' : 'BROKEN'} ${reports[0]?.rows} records: ${(peak / 1e6).toFixed(0)} MB in ${((performance.now() - started) / 1000).toFixed(0)} s (limit ${LIMIT / 1e6} MB)\n`,
  );
  if (!isKept) process.exitCode = 1;
} finally {
  await server.stop(true);
  await rm(folder, { recursive: true, force: true });
}
