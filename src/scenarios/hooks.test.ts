import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  expectExit,
  runFoundry,
  SILVER,
  scenario,
  type Workspace,
} from './support.ts';

interface Received {
  readonly path: string;
  readonly authorization: string | null;
  readonly type: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into every field
  readonly body: any;
}

setDefaultTimeout(30_000);
const SECRET = 'T0-very-secret-path';
const received: Received[] = [];
/** Status codes of the next answers; 200 when there are none. */
let answers: number[] = [];
let server: Bun.Server<undefined>;
let hook: string;

beforeAll(() => {
  server = Bun.serve({
    port: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname;
      received.push({
        path,
        authorization: request.headers.get('authorization'),
        type: request.headers.get('content-type'),
        body: await request.json(),
      });
      if (path === '/moved') return Response.redirect(`http://localhost:${server.port}/elsewhere`, 302);
      if (path === '/slow') await Bun.sleep(30_000);
      return new Response('what it says', { status: answers.shift() ?? 200 });
    },
  });
  hook = `http://localhost:${server.port}/${SECRET}`;
});
afterAll(() => server.stop(true));
beforeEach(() => {
  received.length = 0;
  answers = [];
});

const SILVER_SPEC = { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' };
const ARGS = ['--config', 'a.yaml', '--date', DATE];

async function putGood(w: Workspace): Promise<void> {
  await w.put('in.csv', csv(['id', 'at'], [1, '2025-01-01'], [2, '2025-01-02']));
  await w.put('a.yaml', classic({ silver: SILVER_SPEC }));
}

const both = (url: string): string[] => ['--on-success-webhook', url, '--on-failure-webhook', url];

describe('webhooks', () => {
  test(
    'each webhook of a success gets the original’s fields, as JSON, and those of a failure get nothing',
    scenario(async (w) => {
      await putGood(w);
      const urls = ['--on-success-webhook', hook, '--on-success-webhook', `${hook}/two,with,commas`];
      expectExit(await w.run('bronze', ...ARGS, ...urls, '--on-failure-webhook', `${hook}/failure`), 0);
      expect(received.map(({ path }) => path).sort()).toEqual([`/${SECRET}`, `/${SECRET}/two,with,commas`]);
      expect(received[0]?.type).toBe('application/json');
      const { run_id } = await w.read(`${BRONZE}/_metadata.json`);
      expect(received[0]?.body).toMatchObject({
        layer: 'bronze',
        status: 'success',
        config_paths: ['a.yaml'],
        config_names: ['s.t'],
        datasets: ['bronze:s.t'],
        tables: ['t'],
        run_date: DATE,
        relative_path: `system=s/table=t/pattern=full/dt=${DATE}/`,
        run_id,
        exit_code: 0,
        steps: [{ dataset: 's.t', layer: 'bronze', status: 'complete', rows: 2 }],
      });
      received.length = 0;
      expectExit(await w.run('silver', ...ARGS, ...both(hook)), 0);
      expect(received[0]?.body).toMatchObject({
        layer: 'silver',
        status: 'success',
        config_name: 's.t',
        domain: 's',
        entity: 't',
        silver_model: 'scd_type_1',
        load_pattern: 'full',
        bronze_path: `system=s/table=t/pattern=full/dt=${DATE}`,
        silver_partition: expect.stringContaining(SILVER),
        datasets: ['silver:s.t'],
      });
    }),
  );

  test(
    'scenario 29: a landing that fails in the middle tells the failure webhook why, and the old partition stays',
    scenario(async (w) => {
      await putGood(w);
      expectExit(await w.run('bronze', ...ARGS), 0);
      const before = await w.snapshot(BRONZE);
      await w.put('in.jsonl', '{"id":1}\n{"id":2}\n{"id":\n');
      await w.put('a.yaml', classic({ file: { path: 'in.jsonl' }, run: { max_rows_per_file: 1 } }));
      const failed = await w.run('bronze', ...ARGS, ...both(hook));
      expectExit(failed, 3);
      expect(received).toHaveLength(1);
      expect(received[0]?.body).toMatchObject({ status: 'failure', exit_code: 3, retryable: false });
      expect(received[0]?.body.error).toContain('[DATA001]');
      expect(received[0]?.body.steps[0].error).toMatchObject({ code: 'DATA001', hint: expect.any(String) });
      expect(await w.snapshot(BRONZE)).toEqual(before);
    }),
  );

  test(
    'scenario 89: of several sources with a failing one, the failure webhook is told how each ended',
    scenario(async (w) => {
      await putGood(w);
      await w.put('bad.yaml', classic({ file: { path: 'gone.csv' }, source: { table: 'bad' } }));
      const args = ['bronze', '--config', 'a.yaml,bad.yaml', '--date', DATE, '--parallel-workers', '2'];
      expectExit(await w.run(...args, ...both(hook)), 4);
      expect(received).toHaveLength(1);
      expect(received[0]?.body).toMatchObject({ status: 'failure', config_paths: ['a.yaml', 'bad.yaml'] });
      expect(new Set(received[0]?.body.parallel_results)).toEqual(
        new Set([
          { config_name: 's.t', status: 'success' },
          { config_name: 's.bad', status: 'failure' },
        ]),
      );
      expect(received[0]?.body.relative_path).toBeUndefined();
    }),
  );

  test(
    'a config that cannot be read is told to the failure webhook, wrong flags to nobody',
    scenario(async (w) => {
      expectExit(await w.run('bronze', '--config', 'gone.yaml', ...both(hook)), 2);
      expect(received.map(({ body }) => [body.status, body.exit_code, body.config_paths])).toEqual([
        ['failure', 2, ['gone.yaml']],
      ]);
      expect(received[0]?.body.error).toContain('[CFG001]');
      received.length = 0;
      expectExit(await w.run('bronze', '--config', 'gone.yaml', '--dry-rn', ...both(hook)), 2);
      expect(received).toEqual([]);
    }),
  );

  test(
    'scenario 5: neither a plan nor a validation calls a webhook or a command, whether it succeeds or fails',
    scenario(async (w) => {
      await putGood(w);
      const hooks = [
        ...both(hook),
        '--on-success-command',
        'touch told',
        '--on-failure-command',
        'touch told',
      ];
      for (const command of ['bronze', 'silver', 'run-intent']) {
        for (const mode of ['--dry-run', '--validate-only']) {
          await w.run(command, ...ARGS, mode, ...hooks);
          await w.run(command, '--config', 'gone.yaml', mode, ...hooks);
        }
      }
      expect(received).toEqual([]);
      expect(await w.files()).toEqual(['a.yaml', 'in.csv']);
    }),
  );

  test(
    'scenario 81: a webhook that is malformed, refuses, fails, moves or is no http is a warning, and the exit code stays',
    scenario(async (w) => {
      await putGood(w);
      const refused = `http://localhost:1/${SECRET}`;
      const cases = [
        [`not a url ${SECRET}`, 'it is not a URL'],
        [refused, 'gave up after 3 attempts'],
        [`http://localhost:${server.port}/moved?token=${SECRET}`, 'it answered 302'],
        [`ftp://example.org/${SECRET}`, 'only http and https are called'],
        [`file:///${SECRET}`, 'only http and https are called'],
      ] as const;
      const flags = cases.flatMap(([url]) => both(url));
      const succeeded = await w.run('bronze', ...ARGS, ...flags);
      expectExit(succeeded, 0);
      await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
      const failed = await w.run('bronze', ...ARGS, ...flags);
      expectExit(failed, 4);
      for (const { stderr } of [succeeded, failed]) {
        for (const [, problem] of cases) expect(stderr).toContain(problem);
        expect(stderr.match(/was not told how the run ended/g)).toHaveLength(cases.length);
        expect(stderr).not.toContain(SECRET);
      }
      expect(received.map(({ path }) => path)).toEqual(['/moved', '/moved']);
    }),
  );

  test(
    'a webhook that answers with 503 is tried again, one that answers with 404 is not, and 500 three times is a warning',
    scenario(async (w) => {
      await putGood(w);
      const calls = async (...statuses: number[]): Promise<[number, boolean]> => {
        received.length = 0;
        answers = statuses;
        const done = await w.run('bronze', ...ARGS, '--on-success-webhook', hook);
        expectExit(done, 0);
        return [received.length, done.stderr.includes('was not told')];
      };
      expect(await calls(503, 200)).toEqual([2, false]);
      expect(await calls(404)).toEqual([1, true]);
      expect(await calls(500, 500, 500)).toEqual([3, true]);
    }),
  );

  test(
    'the addresses may stand in variables, a user and password in the address are sent as such, and secrets in errors are masked',
    scenario(async (w) => {
      await w.put('a.yaml', classic({ file: { path: 'http://me:pa55word@host/gone.csv' } }));
      const url = `http://user:p%40ss@localhost:${server.port}/x`;
      const done = await runFoundry(['bronze', ...ARGS], {
        cwd: w.folder,
        env: { FOUNDRY_ON_FAILURE_WEBHOOK: `${url} ${hook}` },
      });
      expectExit(done, 2);
      expect(received.map(({ path }) => path).sort()).toEqual([`/${SECRET}`, '/x']);
      const x = received.find(({ path }) => path === '/x');
      expect(x?.authorization).toBe(`Basic ${btoa('user:p@ss')}`);
      expect(JSON.stringify(received)).not.toContain('pa55word');
      expect(done.stderr).not.toContain('pa55word');
    }),
  );
});

describe('command hooks', () => {
  test(
    'a command gets the outcome as JSON on its stdin and the main facts as variables; one that fails is a warning',
    scenario(async (w) => {
      await putGood(w);
      const script = 'cat > told.json; echo "$FOUNDRY_HOOK_STATUS $FOUNDRY_HOOK_EXIT_CODE" > told.txt';
      const commands = ['--on-success-command', script, '--on-success-command', 'echo broken, it is; exit 7'];
      const done = await w.run('bronze', ...ARGS, ...commands, '--on-failure-command', 'touch not-told');
      expectExit(done, 0);
      expect(await w.read('told.json')).toMatchObject({ status: 'success', datasets: ['bronze:s.t'] });
      expect(await Bun.file(w.path('told.txt')).text()).toBe('success 0\n');
      expect(done.stderr).toContain(
        'the success command 2 was not told how the run ended: it ended with 7: broken, it is',
      );
      await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
      expectExit(await w.run('bronze', ...ARGS, '--on-failure-command', script), 4);
      expect(await Bun.file(w.path('told.txt')).text()).toBe('failure 4\n');
      expect(await w.files()).not.toContain('not-told');
    }),
  );
});
