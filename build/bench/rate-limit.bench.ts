import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apiContestant } from './api-contestant.ts';
import { type Contestant, printRace, promise, promiseRatio, race, withFolder } from './harness.ts';

/*
 * How exactly `rate_limit` is kept, one request after the other and some at a time: the API tells when each request came.
 * In no stretch of time may more come than the burst and what the rate allows; and what waits longer than that is time
 * lost, against a program that sends each request on its beat, whatever the answers do.
 */

const RPS = 50;
const PAGES = 200;
const LATENCY_MS = 10;

const came: number[] = [];
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    came.push(performance.now());
    const page = Number(new URL(request.url).searchParams.get('page') ?? 1);
    await Bun.sleep(LATENCY_MS);
    return Response.json({ items: page < PAGES ? [{ id: page }] : [], total: PAGES - 1 });
  },
});

try {
  await withFolder(async (folder) => {
    for (const { width, burst } of [
      { width: 1, burst: 1 },
      { width: 5, burst: RPS },
    ]) {
      const early: number[] = [];
      const landing = await apiContestant(folder, {
        baseUrl: server.url.href,
        pageSize: 1,
        width,
        more: { rate_limit: { rps: RPS, burst } },
        prepare: () => came.splice(0),
      });
      const paced = await beat(folder, burst, () => {
        if (came.length > 0) early.push(mostTooEarly(came.splice(0), burst));
      });
      const title = `${PAGES} pages at ${RPS} requests a second, a burst of ${burst}, ${width} at a time`;
      const results = await race([landing, paced], { rounds: 3, warmUps: 0 });
      printRace(title, results);
      promise('requests too early, in any stretch of time', Math.max(...early), 1, '');
      promiseRatio('time against a request on each beat', results, 1.2);
    }
  });
} finally {
  await server.stop(true);
}

/** Over all stretches of time: how many more came than the burst and the rate allow. */
function mostTooEarly(times: readonly number[], burst: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const [first, from] of times.entries()) {
    for (let last = first; last < times.length; last += 1) {
      const allowed = burst + (RPS * ((times[last] ?? 0) - from)) / 1000;
      most = Math.max(most, last - first + 1 - allowed);
    }
  }
  return most;
}

/** Nobody who keeps the limit is done sooner. */
async function beat(folder: string, burst: number, prepare: () => void): Promise<Contestant> {
  const script = join(folder, 'beat.ts');
  await writeFile(
    script,
    `const [url, pages, rps, burst] = [process.argv[2], ...process.argv.slice(3).map(Number)];
     const start = performance.now();
     const answers = [];
     for (let page = 1; page <= pages; page += 1) {
       await Bun.sleep(Math.max(0, start + (Math.max(0, page - burst) * 1000) / rps - performance.now()));
       answers.push(fetch(\`\${url}rows?page=\${page}\`).then((response) => response.arrayBuffer()));
     }
     await Promise.all(answers);`,
  );
  const command = [process.execPath, script, server.url.href, String(PAGES), String(RPS), String(burst)];
  return { name: 'a request on each beat', command, prepare };
}
