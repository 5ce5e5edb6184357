import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { BRONZE, classic, csv, DATE, expectExit, runFoundry, scenario, type Workspace } from './support.ts';

setDefaultTimeout(30_000);
const ARGS = ['bronze', '--config', 'a.yaml', '--date', DATE];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

async function putConfig(w: Workspace): Promise<void> {
  await w.put('in.csv', csv(['id'], [1]));
  await w.put('a.yaml', classic());
}

const run = (w: Workspace, env: Record<string, string>, ...args: string[]) =>
  runFoundry(args, { cwd: w.folder, env });

function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('logs', () => {
  test(
    'each line, the report and the manifest carry the run’s id, and lines of a dataset its name',
    scenario(async (w) => {
      await putConfig(w);
      const { document, stderr } = await w.json(0, ...ARGS, '--log-format', 'json', '--verbose');
      const { run_id } = await w.read(`${BRONZE}/_metadata.json`);
      expect(run_id).toMatch(UUID);
      expect(document.run_id).toBe(run_id);
      const lines = jsonLines(stderr);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(line).toMatchObject({ run_id, dataset: 's.t', logger: 'foundry' });

      await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
      const failed = await run(w, {}, ...ARGS);
      expect(failed.stderr).toMatch(
        /^\[ERROR\] \d{4}-\d\d-\d\d \d\d:\d\d:\d\d - foundry\.[0-9a-f]{8} - s\.t: \[EXT001\] /,
      );
      const simple = await run(w, {}, ...ARGS, '--log-format', 'simple');
      expect(simple.stderr).toMatch(/^INFO: [0-9a-f]{8} s\.t: bronze failed after /);
      expect(simple.stderr).toMatch(/^ERROR: [0-9a-f]{8} s\.t: \[EXT001\] /m);
    }),
  );

  test(
    'a log file that cannot be written is one warning, and stops no run',
    scenario(async (w) => {
      await putConfig(w);
      const log = ['--log-file', w.path('in.csv/foundry.log')];
      const { document, stderr } = await w.json(0, ...ARGS, ...log);
      expect(document.reports[0]).toMatchObject({ status: 'complete' });
      expect(stderr.match(/cannot be written/g)).toHaveLength(1);
      expect((await w.json(0, ...ARGS, ...log, '--quiet')).stderr).toBe('');
    }),
  );

  test(
    'a failure is one JSON object with its code, details, hint, and whether running again helps',
    scenario(async (w) => {
      await putConfig(w);
      await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
      const { stderr } = await run(w, {}, ...ARGS, '--log-format', 'json');
      expect(jsonLines(stderr).at(-1)).toMatchObject({
        level: 'ERROR',
        dataset: 's.t',
        code: 'EXT001',
        exit_code: 4,
        retryable: false,
        hint: expect.any(String),
        details: expect.any(Object),
      });
      const usage = await run(w, {}, 'bronze', '--dry-rn', '--log-format', 'json');
      expect(jsonLines(usage.stderr)).toMatchObject([
        { code: 'USE001', run_id: expect.stringMatching(UUID) },
      ]);
    }),
  );

  test(
    'a log file holds JSON lines with their context, also of a quiet run and of wrong flags',
    scenario(async (w) => {
      await putConfig(w);
      expectExit(await run(w, {}, ...ARGS, '--log-file', 'logs/run.log', '--quiet'), 0);
      await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
      expectExit(await run(w, { FOUNDRY_LOG_FILE: 'logs/run.log' }, ...ARGS, '--quiet'), 4);
      expectExit(await run(w, { BRONZE_LOG_FILE: 'logs/run.log' }, ...ARGS, '--dry-rn'), 2);
      const lines = jsonLines(readFileSync(w.path('logs/run.log'), 'utf8'));
      expect(lines.map(({ code }) => code).filter((code) => code !== undefined)).toEqual([
        'EXT001',
        'USE001',
      ]);
      for (const line of lines) {
        expect(line).toMatchObject({
          command: 'bronze',
          pid: expect.any(Number),
          run_id: expect.any(String),
        });
      }
    }),
  );

  test(
    'the log file is rotated at the size and to the number of files that the variables say',
    scenario(async (w) => {
      await putConfig(w);
      await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
      const env = { FOUNDRY_LOG_FILE: 'run.log', FOUNDRY_LOG_FILE_SIZE: '600B', FOUNDRY_LOG_FILE_COUNT: '2' };
      for (let n = 0; n < 5; n += 1) expectExit(await run(w, env, ...ARGS), 4);
      const files = (await w.files()).filter((name) => name.startsWith('run.log'));
      expect(files).toEqual(['run.log', 'run.log.1', 'run.log.2']);
      for (const file of files) expect(Bun.file(w.path(file)).size).toBeLessThan(2000);
    }),
  );

  test(
    'the level is that of the flag, else of FOUNDRY_LOG_LEVEL, else of the original’s variables',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id'], [1]));
      // A deprecated flag is a warning, and nothing else is said.
      await w.put('a.yaml', classic());
      const warned = async (env: Record<string, string>, ...flags: string[]): Promise<boolean> => {
        const done = await run(w, env, ...ARGS, '--artifact-writer', 'default', ...flags);
        expectExit(done, 0);
        return done.stderr.includes('deprecated');
      };
      expect(await warned({})).toBe(true);
      expect(await warned({}, '--log-level', 'error')).toBe(false);
      expect(await warned({}, '--quiet')).toBe(false);
      expect(await warned({ LOG_LEVEL: 'CRITICAL' })).toBe(false);
      expect(await warned({ LOG_LEVEL: 'ERROR', BRONZE_LOG_LEVEL: 'WARNING' })).toBe(true);
      expect(await warned({ FOUNDRY_LOG_LEVEL: 'error', BRONZE_LOG_LEVEL: 'DEBUG' })).toBe(false);
      expect(await warned({ FOUNDRY_LOG_LEVEL: 'error' }, '--log-level', 'warning')).toBe(true);
      expect(await warned({ LOG_LEVEL: 'notice' })).toBe(true);
      const odd = await run(w, { FOUNDRY_LOG_LEVEL: 'loud' }, ...ARGS);
      expect(odd.stderr).toContain('the log level "loud" is not one of debug, info, warning, error');
    }),
  );
});
