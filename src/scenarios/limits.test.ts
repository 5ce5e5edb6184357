import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  expectExit,
  finish,
  parseDocument,
  runFoundry,
  scenario,
  startFoundry,
  until,
  type Workspace,
} from './support.ts';

setDefaultTimeout(30_000);
const ARGS = ['bronze', '--config', 'a.yaml', '--date', DATE];

/** A landing that takes seconds. */
async function putBig(w: Workspace, rows: number): Promise<void> {
  await w.put('big.jsonl', `${JSON.stringify({ id: 1, v: 'some words '.repeat(90) })}\n`.repeat(rows));
  await w.put('a.yaml', classic({ file: { path: 'big.jsonl' }, run: { max_rows_per_file: 5000 } }));
}

async function putMany(w: Workspace): Promise<void> {
  await w.put('in.csv', csv(['id'], [1]));
  for (const name of ['a', 'c', 'd']) await w.put(`${name}.yaml`, classic({ source: { table: name } }));
  await w.put('b.yaml', classic({ file: { path: 'gone.csv' }, source: { table: 'b' } }));
}

describe('--timeout', () => {
  test(
    'stops a landing cleanly with TIME001 and exit code 75, leaves nothing, and tells the hooks and the record',
    scenario(async (w) => {
      await putBig(w, 400_000);
      const run = await w.run(
        ...ARGS,
        '--timeout',
        '0.4s',
        '--on-failure-command',
        'cat > told.json',
        '-o',
        'json',
      );
      expectExit(run, 75);
      expect(parseDocument(run).errors).toMatchObject([{ code: 'TIME001', retryable: true }]);
      expect(run.stderr).toContain('not done within the 0.4s of --timeout');
      expect(existsSync(w.path(BRONZE))).toBe(false);
      expect(await w.spooled('output')).toBe(0);
      expect(await w.read('told.json')).toMatchObject({ status: 'failure', exit_code: 75, retryable: true });
      const { document } = await w.json(0, 'runs', 'output');
      expect(document.reports).toMatchObject([{ outcome: 'failed', error: { code: 'TIME001' } }]);
    }),
  );

  test(
    'that is long enough changes nothing, and one that is no duration is refused',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id'], [1]));
      await w.put('a.yaml', classic());
      for (const timeout of ['30', '90s', '30m', '2h']) await w.json(0, ...ARGS, '--timeout', timeout);
      for (const timeout of ['soon', '0', '-1', '9999h']) {
        const run = await w.run(...ARGS, `--timeout=${timeout}`);
        expectExit(run, 2);
        expect(run.stderr).toContain('--timeout');
      }
    }),
  );
});

describe('a second signal', () => {
  test(
    'leaves at once',
    scenario(async (w) => {
      await putBig(w, 300_000);
      // The hook of the first one is what the second one does not wait for.
      const running = startFoundry([...ARGS, '--on-failure-command', 'touch begun; sleep 30'], {
        cwd: w.folder,
      });
      await until('the first part', async () => (await w.spooled('output')) > 0);
      running.kill('SIGTERM');
      await until('the hook', () => existsSync(w.path('begun')));
      const sent = performance.now();
      running.kill('SIGTERM');
      expect(await running.exited).toBe(143);
      expect(performance.now() - sent).toBeLessThan(2000);
      expect(existsSync(w.path(BRONZE))).toBe(false);
    }),
  );
});

describe('disk and memory', () => {
  test(
    'too little of either from the start is refused before anything is read or written, with the place and what to do',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id'], [1]));
      await w.put('a.yaml', classic());
      const run = (env: Record<string, string>, ...flags: string[]) =>
        runFoundry([...ARGS, '--on-failure-command', 'cat > told.json', ...flags], { cwd: w.folder, env });
      const disk = await run({ FOUNDRY_MIN_FREE_DISK: '9000TB' });
      expectExit(disk, 5);
      expect(disk.stderr).toMatch(/\[STG001\] only .* are free on the disk of .*output/);
      expect(disk.stderr).toContain('what to do: Free some space');
      expect(await w.read('told.json')).toMatchObject({ exit_code: 5, status: 'failure' });
      const memory = await run({ FOUNDRY_MIN_FREE_MEMORY: '9000TB' });
      expectExit(memory, 5);
      expect(memory.stderr).toMatch(/\[ENG002\] only .* of memory are left/);
      expect(await w.files()).toEqual(['a.yaml', 'in.csv', 'told.json']);
      expectExit(await run({ FOUNDRY_MIN_FREE_DISK: '9000TB' }, '--dry-run'), 0);
      expectExit(await run({ FOUNDRY_MIN_FREE_DISK: '0', FOUNDRY_MIN_FREE_MEMORY: 'much' }), 0);
    }),
  );

  test(
    'a disk that others fill while a run writes ends it with STG001 before it is full, and the run leaves nothing',
    scenario(async (w) => {
      const disk = w.path('disk');
      mkdirSync(disk);
      if (!Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=400m', 'tmpfs', disk]).success) return;
      using _mounted = { [Symbol.dispose]: () => void Bun.spawnSync(['umount', '-l', disk]) };
      await putBig(w, 400_000);
      await w.put(
        'a.yaml',
        classic({
          file: { path: 'big.jsonl' },
          run: { max_rows_per_file: 5000 },
          bronze: { local_path: 'disk/lake' },
        }),
      );
      const running = startFoundry(ARGS, { cwd: w.folder, env: { FOUNDRY_MIN_FREE_DISK: '100MB' } });
      await until('the lake', () => existsSync(w.path('disk/lake')));
      writeFileSync(w.path('disk/filler'), Buffer.alloc(320 * 1000 ** 2));
      const run = await finish(running);
      expectExit(run, 5);
      expect(run.stderr).toContain('[STG001] only ');
      expect(run.stderr).toContain(w.path('disk/lake'));
      expect(existsSync(w.path('disk/lake/system=s'))).toBe(false);
      const { bavail, bsize } = await statfs(disk);
      expect(bavail * bsize).toBeGreaterThan(50 * 1000 ** 2);
    }),
  );
});

describe('memory that others take while a run reads', () => {
  test(
    'ends it with ENG002 before the system ends it, the run leaves nothing, and the next one lands',
    scenario(async (w) => {
      const meminfo = w.path('meminfo');
      const say = (free: string): void =>
        writeFileSync(meminfo, `MemTotal:       8000000 kB\nMemAvailable:   ${free} kB\n`);
      say('4000000');
      // What the kernel says of memory, replaced for the one program that runs in this mount namespace.
      const alone = [
        'unshare',
        '--mount',
        'sh',
        '-c',
        `mount --bind ${meminfo} /proc/meminfo && exec "$@"`,
        'sh',
      ];
      if (!Bun.spawnSync([...alone, 'true']).success) return;
      // Goes on only once it is told to, and would give up where nothing ends it.
      const source = `echo '{"id":1}'; for i in $(seq 300); do [ -e go ] && exit 0; sleep 0.1; done; exit 9`;
      await w.put('a.yaml', {
        platform: { bronze: { storage_backend: 'local', local_path: './output' } },
        source: { type: 'command', system: 's', table: 't', command: { run: source } },
      });
      const running = runFoundry([...ARGS, '-o', 'json'], { cwd: w.folder, prefix: alone });
      await until('the run', () => existsSync(w.path('output/_runs')));
      say('20000');
      const run = await running;
      expectExit(run, 5);
      expect(parseDocument(run).errors).toMatchObject([{ code: 'ENG002', retryable: false }]);
      expect(run.stderr).toMatch(/\[ENG002\] only 20\.\d MB of memory are left on this machine/);
      expect(run.stderr).toContain('what to do: End other programs, lower --memory-limit');
      expect(existsSync(w.path(BRONZE))).toBe(false);
      expect(await w.spooled('output')).toBe(0);
      const { document } = await w.json(0, 'runs', 'output');
      expect(document.reports).toMatchObject([{ outcome: 'failed', error: { code: 'ENG002' } }]);
      writeFileSync(w.path('go'), '');
      await w.json(0, ...ARGS);
    }),
  );
});

describe('inputs larger than the disk', () => {
  test(
    'are a warning before anything is read',
    scenario(async (w) => {
      const disk = w.path('disk');
      mkdirSync(disk);
      if (!Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]).success) return;
      using _mounted = { [Symbol.dispose]: () => void Bun.spawnSync(['umount', '-l', disk]) };
      await w.put('in.csv', `id\n${'a cell that is always the same\n'.repeat(100_000)}`);
      await w.put('a.yaml', classic({ bronze: { local_path: 'disk/lake' } }));
      const run = await w.run(...ARGS);
      expectExit(run, 0);
      expect(run.stderr).toMatch(/the inputs have 3\.1 MB, and only 2\.\d MB are free on the disk of /);
    }),
  );
});

describe('many datasets', () => {
  test(
    '--fail-fast begins no dataset after one that failed, and says which were not run',
    scenario(async (w) => {
      await putMany(w);
      const args = ['bronze', '--config', 'a.yaml,b.yaml,c.yaml,d.yaml', '--date', DATE];
      const { document } = await w.json(4, ...args, '--fail-fast', '--on-failure-command', 'cat > told.json');
      expect(document.reports.map(({ dataset }) => dataset)).toEqual(['s.a']);
      expect(document.not_run).toEqual(['s.c', 's.d']);
      expect((await w.read('told.json')).parallel_results).toEqual([
        { config_name: 's.a', status: 'success' },
        { config_name: 's.b', status: 'failure' },
        { config_name: 's.c', status: 'not_run' },
        { config_name: 's.d', status: 'not_run' },
      ]);
      const all = await w.json(4, ...args);
      expect(all.document.reports.map(({ dataset }) => dataset)).toEqual(['s.a', 's.c', 's.d']);
      expect(all.document.not_run).toBeUndefined();
    }),
  );

  test(
    'the report of several datasets ends with a table of what became of each',
    scenario(async (w) => {
      await putMany(w);
      const { stdout } = await w.run(
        'bronze',
        '--config',
        'a.yaml,b.yaml,c.yaml',
        '--date',
        DATE,
        '--fail-fast',
      );
      const table = stdout.slice(stdout.indexOf('\ndataset ') + 1).split('\n');
      expect(table[0]).toMatch(/^dataset +layer +outcome +rows +seconds$/);
      expect(table[1]).toMatch(/^s\.a +bronze +complete +1 +\d+\.\d\d$/);
      expect(table[2]).toMatch(/^s\.b +failed: EXT001$/);
      expect(table[3]).toMatch(/^s\.c +not run$/);
      expect(stdout).toEndWith('1 of 3 datasets succeeded\n');
    }),
  );
});
