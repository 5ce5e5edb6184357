import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { ERRORS, type ErrorCode } from '../core/errors.ts';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  describeRun,
  finish,
  intent,
  openWorkspace,
  parseDocument,
  type Run,
  runFoundry,
  startFoundry,
  until,
  type Workspace,
} from './support.ts';

setDefaultTimeout(60_000);

/** An API that is slow, busy, or turns in a circle, as its path says. */
let api: Bun.Server<undefined>;
let slowAsked = 0;
beforeAll(() => {
  api = Bun.serve({
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === '/busy') return new Response('busy', { status: 503 });
      if (pathname === '/circle') return Response.json({ items: [{ id: 1 }], next_cursor: 'same' });
      slowAsked += 1;
      await Bun.sleep(20_000);
      return Response.json([]);
    },
  });
});
afterAll(() => api.stop(true));

const ARGS = ['--config', 'a.yaml', '--date', DATE];
const LAND = ['bronze', ...ARGS];

function apiConfig(endpoint: string, more: object = {}): object {
  return {
    platform: { bronze: { storage_backend: 'local', local_path: './output' } },
    source: {
      type: 'api',
      system: 's',
      table: 't',
      api: { base_url: `http://localhost:${api.port}`, endpoint, retry: { max_attempts: 1 }, ...more },
    },
  };
}

async function landed(w: Workspace, config: object = classic()): Promise<void> {
  await w.put('in.csv', csv(['id', 'at'], [1, '2025-01-01'], [2, '2025-01-02']));
  await w.put('a.yaml', config);
  await w.json(0, 'bronze', ...ARGS);
}

/** Starts a landing that is in the middle of reading, holding its dataset. */
async function slowRun(w: Workspace, ...flags: string[]) {
  await w.put('a.yaml', apiConfig('/slow'));
  const before = slowAsked;
  const running = startFoundry([...LAND, '--output', 'json', ...flags], { cwd: w.folder });
  await until('the request', () => slowAsked > before);
  return running;
}

type Raise = (w: Workspace, ...flags: string[]) => Promise<Run>;
const SILVER = { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' };

/** How each code comes about. */
const CASES: Readonly<Record<ErrorCode, Raise>> = {
  async ERR000(w, ...flags) {
    // Breaks the runtime beneath foundry, once, where nothing expects it: a bug as good as any.
    await w.put(
      'bug.ts',
      `export class Bug {
         async *extract() {
           yield [{ id: 1 }];
           const { flatMap } = Array.prototype;
           Array.prototype.flatMap = () => {
             Array.prototype.flatMap = flatMap;
             throw new TypeError('a bug, made for a test');
           };
         }
       }`,
    );
    await w.put('a.yaml', {
      platform: { bronze: { storage_backend: 'local', local_path: './output' } },
      source: {
        type: 'custom',
        system: 's',
        table: 't',
        custom_extractor: { module: 'bug.ts', class_name: 'Bug' },
      },
    });
    return w.run(...LAND, ...flags);
  },
  USE001: (w, ...flags) => w.run('bronze', '--dry-rn', ...flags),
  CFG001: (w, ...flags) => w.run('bronze', '--config', 'gone.yaml', ...flags),
  async POL001(w, ...flags) {
    await landed(w);
    const webhook = ['--on-failure-webhook', 'https://hooks.example.org/x'];
    return w.run(...LAND, '--storage-scope', 'onprem', ...webhook, ...flags);
  },
  async DATA001(w, ...flags) {
    await w.put('in.csv', 'id,at\n1,2025-01-01\n2\n');
    await w.put('a.yaml', classic());
    return w.run(...LAND, ...flags);
  },
  async QUAL001(w, ...flags) {
    await landed(w);
    await w.put('in.csv', 'id,at\n');
    return w.run(...LAND, ...flags);
  },
  async SCHEMA001(w, ...flags) {
    const silver = {
      entity_kind: 'state',
      history_mode: 'scd1',
      natural_keys: ['id'],
      change_ts_column: 'gone',
    };
    await landed(w, intent({ silver }));
    return w.run('silver', ...ARGS, ...flags);
  },
  async SUM001(w, ...flags) {
    await landed(w, classic({ silver: SILVER }));
    const [part = ''] = (await w.files(BRONZE)).filter((name) => name.endsWith('.parquet'));
    const bytes = await Bun.file(w.path(BRONZE, part)).bytes();
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    await w.put(`${BRONZE}/${part}`, bytes);
    return w.run('silver', ...ARGS, '--require-checksum', ...flags);
  },
  async EXT001(w, ...flags) {
    await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
    return w.run(...LAND, ...flags);
  },
  async AUTH001(w, ...flags) {
    await w.put('a.yaml', apiConfig('/items', { auth_type: 'bearer', auth_token_env: 'NOT_SET' }));
    return w.run(...LAND, ...flags);
  },
  async PAGE001(w, ...flags) {
    const pagination = { type: 'cursor', cursor_path: 'next_cursor' };
    await w.put('a.yaml', apiConfig('/circle', { pagination }));
    return w.run(...LAND, ...flags);
  },
  async STG001(w, ...flags) {
    await w.put('in.csv', csv(['id'], [1]));
    await w.put('a.yaml', classic());
    await w.put('output', 'a file, no folder');
    return w.run(...LAND, ...flags);
  },
  async STATE001(w, ...flags) {
    await landed(w, classic({ silver: SILVER }));
    await w.put(`${BRONZE}/_metadata.json`, '{"format_version": 1');
    return w.run('silver', ...ARGS, ...flags);
  },
  async ENG001(w, ...flags) {
    await landed(w, classic({ silver: SILVER }));
    await w.put('cache', 'a file, no folder');
    return runFoundry(['silver', ...ARGS, ...flags], {
      cwd: w.folder,
      env: { FOUNDRY_CACHE_DIR: w.path('cache') },
    });
  },
  async ENG002(w, ...flags) {
    await landed(w);
    return runFoundry([...LAND, ...flags], { cwd: w.folder, env: { FOUNDRY_MIN_FREE_MEMORY: '9000TB' } });
  },
  async RETRY001(w, ...flags) {
    await w.put('a.yaml', apiConfig('/busy'));
    return w.run(...LAND, ...flags);
  },
  async LOCK001(w, ...flags) {
    const holder = await slowRun(w);
    try {
      return await w.run(...LAND, ...flags);
    } finally {
      holder.kill('SIGKILL');
      await holder.exited;
    }
  },
  async TIME001(w, ...flags) {
    await w.put('a.yaml', apiConfig('/slow'));
    return w.run(...LAND, '--timeout', '1s', ...flags);
  },
  async INT001(w, ...flags) {
    const running = await slowRun(w, ...flags.filter((flag) => flag !== '--output' && flag !== 'json'));
    running.kill('SIGINT');
    return finish(running);
  },
};

describe('each error, raised through the binary,', () => {
  for (const [code, raise] of Object.entries(CASES) as [ErrorCode, Raise][]) {
    test(`${code}: has its exit code, what happened, what to do, and whether running again helps, as text and JSON`, async () => {
      const w = await openWorkspace();
      try {
        const run = await raise(w, '--output', 'json');
        if (run.exitCode !== ERRORS[code].exit) throw new Error(`expected ${code}: ${describeRun(run)}`);
        const document = parseDocument(run);
        const [error] = document.errors;
        const { exit, retryable } = ERRORS[code];
        expect(document.exit_code).toBe(exit);
        expect(error).toMatchObject({ code, exit_code: exit, retryable });
        expect(error?.message.length).toBeGreaterThan(5);
        expect(error?.hint.length).toBeGreaterThan(5);
        // `[CODE] message (k=v, k=v)`, then what to do, and of a bug only, where it is.
        const details = Object.entries(error?.details ?? {}).filter(
          ([, value]) => value !== undefined && value !== null,
        );
        const form = `[${code}] ${error?.message}${details.length === 0 ? '' : ` (${details.map(([key, value]) => `${key}=${value}`).join(', ')})`}`;
        expect(run.stderr).toContain(form);
        expect(run.stderr).toContain(`what to do: ${error?.hint}`);
        expect(/^\s+at .*:\d+/m.test(run.stderr)).toBe(code === 'ERR000');
      } finally {
        await w.remove();
      }
    });
  }

  test('is one of the table, and each of the table is raised', () => {
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(ERRORS).sort());
  });

  test('scenario 82: a storage error names backend, operation and place in brackets', async () => {
    const w = await openWorkspace();
    try {
      const run = await CASES.STG001(w);
      expect(run.stderr).toMatch(/\[STG001\] .* \(.*backend_type=local, operation=\w+.*\)/);
    } finally {
      await w.remove();
    }
  });
});
