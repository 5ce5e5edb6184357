import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apiContestant } from './api-contestant.ts';
import { type Contestant, printRace, promise, race, withFolder } from './harness.ts';

/*
 * 1,000 pages of 100 records from an API that takes 20 ms for each, through the compiled binary as a user runs it: one
 * page after the other, and some at a time; against a bare loop of requests with the same number at a time, which the
 * API's own time bounds, and against dlt's rest_api source where Python is present.
 */

const PAGES = 1000;
const ROWS = 100;
const LATENCY_MS = 20;
const ROOT = join(import.meta.dir, '..', '..');

const pages = Array.from({ length: PAGES + 1 }, (_, page) => Buffer.from(pageText(page)));
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 60,
  async fetch(request) {
    const page = Number(new URL(request.url).searchParams.get('page') ?? 1);
    await Bun.sleep(LATENCY_MS);
    const body = pages[Math.min(page, PAGES + 1) - 1];
    return new Response(body, { headers: { 'content-type': 'application/json' } });
  },
});

try {
  await withFolder(async (folder) => {
    for (const width of [1, 5, 10]) {
      const ideal = (PAGES / width) * LATENCY_MS;
      const result = await race([await foundry(folder, width), await bareLoop(folder, width)], {
        rounds: width === 1 ? 1 : 5,
        warmUps: width === 1 ? 0 : 1,
      });
      printRace(
        `${PAGES} pages of ${ROWS} records at ${LATENCY_MS} ms, ${width} at a time (${ideal} ms of waiting)`,
        result,
      );
      const [landed] = result;
      // At ten at a time there are two seconds of waiting, in which a second and a half of work does not vanish.
      const limit = width < 10 ? 1.2 : 1.35;
      promise('landing against the waiting alone', (landed?.milliseconds ?? Number.NaN) / ideal, limit, '×');
      promise('landing against a bare loop of requests', landed?.ratio ?? Number.NaN, limit, '×');
      promise('peak memory', landed?.peakMegabytes ?? Number.NaN, 300, 'MB');
    }
    const dlt = await dltContestant(folder);
    if (dlt === undefined) {
      console.log('\ndlt is not here: FOUNDRY_BENCH_DLT=<a python that has dlt[parquet]> names it');
      return;
    }
    printRace(
      'the same API into Parquet, against dlt',
      await race([await foundry(folder, 1), await foundry(folder, 5), dlt], { rounds: 1, warmUps: 0 }),
    );
  });
} finally {
  await server.stop(true);
}

function pageText(page: number): string {
  const count = page < PAGES ? ROWS : 0;
  const records = Array.from({ length: count }, (_, row) => {
    const id = page * ROWS + row;
    return {
      id,
      customer: `customer ${id % 9999}`,
      email: `c${id}@example.com`,
      city: `City ${id % 313}`,
      amount: (id % 100_000) / 100,
      quantity: id % 97,
      updated_at: `2025-01-05T10:${String(id % 60).padStart(2, '0')}:00Z`,
      paid: id % 3 > 0,
      note: `note, ${id % 77} and more`,
    };
  });
  return JSON.stringify({ items: records, total: PAGES * ROWS });
}

function foundry(folder: string, width: number): Promise<Contestant> {
  return apiContestant(folder, { baseUrl: server.url.href, pageSize: ROWS, width });
}

/** Asks for the pages and throws them away: what nobody can be faster than. */
async function bareLoop(folder: string, width: number): Promise<Contestant> {
  const script = join(folder, 'loop.ts');
  await writeFile(
    script,
    `const [url, pages, width] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
     let next = 1;
     await Promise.all(Array.from({ length: width }, async () => {
       while (next <= pages) {
         const response = await fetch(\`\${url}rows?page=\${next++}&page_size=${ROWS}\`);
         if (!response.ok || (await response.arrayBuffer()).byteLength === 0) process.exit(1);
       }
     }));`,
  );
  const command = [process.execPath, script, server.url.href, String(PAGES), String(width)];
  return { name: 'a bare loop of requests', command };
}

async function dltContestant(folder: string): Promise<Contestant | undefined> {
  const named = process.env.FOUNDRY_BENCH_DLT;
  const python = named ?? join(ROOT, '.tools', 'dlt', 'bin', 'python');
  if (named === undefined && !existsSync(python) && !installDlt()) return undefined;
  const script = join(folder, 'dlt_rows.py');
  const target = join(folder, 'dlt');
  await writeFile(
    script,
    `import dlt, sys
from dlt.sources.rest_api import rest_api_source
url, folder = sys.argv[1], sys.argv[2]
source = rest_api_source({
    "client": {"base_url": url, "paginator": {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": None}},
    "resources": [{"name": "rows", "endpoint": {"path": "rows", "data_selector": "items", "params": {"page_size": ${ROWS}}}}],
})
pipeline = dlt.pipeline("orders", destination=dlt.destinations.filesystem(bucket_url=folder + "/lake"), pipelines_dir=folder + "/state", dataset_name="bronze")
pipeline.run(source, loader_file_format="parquet").raise_on_failed_jobs()
counts = pipeline.last_trace.last_normalize_info.row_counts
assert counts["rows"] == ${PAGES * ROWS}, counts
`,
  );
  return {
    name: 'dlt, rest_api to Parquet',
    command: [python, script, server.url.href, target],
    env: { RUNTIME__DLTHUB_TELEMETRY: 'false' },
    prepare: () => rm(target, { recursive: true, force: true }),
  };
}

/** Into a virtual environment of its own, where there is a Python to make one with. */
function installDlt(): boolean {
  const venv = join(ROOT, '.tools', 'dlt');
  const made = spawnSync('python3', ['-m', 'venv', venv], { stdio: 'ignore' }).status === 0;
  const pip = join(venv, 'bin', 'pip');
  return (
    made &&
    spawnSync(pip, ['install', '--quiet', 'dlt[parquet,filesystem]'], { stdio: 'inherit' }).status === 0
  );
}
