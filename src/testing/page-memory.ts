import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFoundry, temporaryFolder } from './binary.ts';
import { peakBytesOf } from './peak-memory.ts';

/** The most memory that the program holds while it lands one page of an API with so many bytes of JSON. */
export async function peakOfOnePage(
  bytes: number,
): Promise<{ readonly peakBytes: number; readonly rows: number }> {
  const record = (id: number): string =>
    JSON.stringify({ id, name: `name ${id}`, amount: id / 4, note: 'x'.repeat(80) });
  const rows = Math.ceil(bytes / record(123_456).length);
  const body = Buffer.from(`[${Array.from({ length: rows }, (_, index) => record(index)).join(',')}]`);
  using folder = temporaryFolder('page-memory');
  const server = Bun.serve({
    port: 0,
    fetch: () => new Response(body, { headers: { 'content-type': 'application/json' } }),
  });
  try {
    const config = {
      config_version: 1,
      platform: { bronze: { storage_backend: 'local' } },
      source: {
        type: 'api',
        system: 's',
        table: 't',
        api: { base_url: `http://127.0.0.1:${server.port}`, endpoint: '/' },
      },
    };
    writeFileSync(join(folder.path, 'a.yaml'), JSON.stringify(config));
    const args = ['bronze', '--config', 'a.yaml', '--date', '2025-01-05', '-o', 'json'];
    const running = startFoundry(args, {
      cwd: folder.path,
      env: { PATH: process.env.PATH, HOME: folder.path },
      timeout: 240_000,
    });
    let peakBytes = 0;
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, peakBytesOf(running.pid) ?? 0);
    }, 20);
    const [stdout, code] = await Promise.all([new Response(running.stdout).text(), running.exited]);
    clearInterval(watch);
    if (code !== 0) throw new Error(`the run ended with ${code}: ${stdout}`);
    return { peakBytes, rows: JSON.parse(stdout).reports[0].rows };
  } finally {
    await server.stop(true);
  }
}
