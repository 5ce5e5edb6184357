import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import schema from '../../schemas/run-record.schema.json' with { type: 'json' };
import { foundryBinary } from '../testing/binary.ts';
import { duckdb, quote } from './readers.ts';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  expectExit,
  finish,
  INTENT_SILVER,
  intent,
  runFoundry,
  SILVER,
  scenario,
  startFoundry,
  until,
  type Workspace,
} from './support.ts';

setDefaultTimeout(30_000);
const ARGS = ['--config', 'a.yaml', '--date', DATE];
const SILVER_SPEC = { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' };

async function putGood(w: Workspace): Promise<void> {
  await w.put('in.csv', csv(['id', 'at'], [1, '2025-01-01'], [2, '2025-01-02'], [3, '2025-01-03']));
  await w.put('a.yaml', classic({ silver: SILVER_SPEC }));
}

/** The records below a base, the oldest first, each of which is as the published schema says. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into every field
async function recordsOf(w: Workspace, base: string): Promise<any[]> {
  const names = await readdir(w.path(base, '_runs'), { recursive: true }).catch(() => []);
  const files = names.filter((name) => name.endsWith('.json')).sort();
  const validate = new Ajv({ strict: false }).compile(schema);
  return Promise.all(
    files.map(async (name) => {
      const record = JSON.parse(await readFile(w.path(base, '_runs', name), 'utf8'));
      expect(validate(record) ? [] : validate.errors).toEqual([]);
      return record;
    }),
  );
}

describe('the record of a run', () => {
  test(
    'lies beside the data of each layer, with inputs, output, counts, versions, and the id that the manifest has',
    scenario(async (w) => {
      await putGood(w);
      await w.json(0, 'run-intent', ...ARGS);
      const [bronze] = await recordsOf(w, 'output');
      const [silver] = await recordsOf(w, 'silver_output');
      const manifest = await w.read(`${BRONZE}/_metadata.json`);
      expect(bronze).toMatchObject({
        run_id: manifest.run_id,
        command: 'run-intent',
        dataset: 's.t',
        layer: 'bronze',
        outcome: 'complete',
        exit_code: 0,
        config: 'a.yaml',
        run_date: DATE,
        inputs: [{ path: expect.stringContaining('in.csv'), size_bytes: expect.any(Number) }],
        output: { commit_id: manifest.commit_id, files: 1, partition: BRONZE.slice('output/'.length) },
        rows: { landed: 3, quarantined: 0 },
        tool: { name: 'foundry', version: expect.any(String), commit: expect.any(String) },
      });
      expect(silver).toMatchObject({
        run_id: manifest.run_id,
        layer: 'silver',
        outcome: 'complete',
        inputs: [{ path: BRONZE.slice('output/'.length), commit_id: manifest.commit_id }],
        rows: { read: 3, written: 3 },
      });
    }),
  );

  test(
    'is left by runs that fail and that change nothing too, with the error; plans leave none',
    scenario(async (w) => {
      await putGood(w);
      for (const mode of ['--dry-run', '--validate-only']) await w.run('run-intent', ...ARGS, mode);
      expect(await w.files()).toEqual(['a.yaml', 'in.csv']);
      await w.json(0, 'bronze', ...ARGS);
      await w.json(0, 'bronze', ...ARGS);
      await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
      await w.json(4, 'bronze', ...ARGS);
      const records = await recordsOf(w, 'output');
      expect(records.map(({ outcome, exit_code }) => [outcome, exit_code])).toEqual([
        ['complete', 0],
        ['unchanged', 0],
        ['failed', 4],
      ]);
      expect(records[2].error).toMatchObject({ code: 'EXT001', hint: expect.any(String), retryable: false });
    }),
  );

  test(
    'of an interrupted run says so',
    scenario(async (w) => {
      await w.put('big.jsonl', `${JSON.stringify({ id: 1, v: 'x'.repeat(1000) })}\n`.repeat(150_000));
      await w.put('a.yaml', classic({ file: { path: 'big.jsonl' }, run: { max_rows_per_file: 5000 } }));
      const running = startFoundry(['bronze', ...ARGS], { cwd: w.folder });
      await until('the first part', async () => (await w.spooled('output')) > 0);
      running.kill('SIGTERM');
      expectExit(await finish(running), 143);
      expect(await recordsOf(w, 'output')).toMatchObject([{ outcome: 'interrupted', exit_code: 143 }]);
    }),
  );

  test(
    'that cannot be written is a warning, and the run ends as it did',
    scenario(async (w) => {
      await putGood(w);
      await mkdir(w.path('output'));
      await writeFile(w.path('output/_runs'), 'a file is in the way');
      const done = await w.run('bronze', ...ARGS);
      expectExit(done, 0);
      expect(done.stderr).toContain('no record of this run could be written');
      expect(done.stderr).toContain('_runs');
    }),
  );

  test(
    'is listed from any day, the newest first, and removed with its day where --prune keeps fewer days',
    scenario(async (w) => {
      await putGood(w);
      await w.json(0, 'bronze', ...ARGS);
      const [record] = await recordsOf(w, 'output');
      const dayBefore = (days: number): string =>
        new Date(Date.parse(record.started_at) - days * 86_400_000).toISOString().slice(0, 10);
      const ages = [1, 3, 29, 30, 400];
      for (const age of ages) {
        const day = dayBefore(age);
        const started_at = `${day}${record.started_at.slice(10)}`;
        await w.put(`output/_runs/${day}/${started_at.replace(/[-:]/g, '')}-copy.json`, {
          ...record,
          started_at,
        });
      }
      await w.put('output/_runs/notes/read me.json', { not: 'a record' });
      const daysListed = async (...flags: string[]): Promise<string[]> => {
        const { document } = await w.json(0, 'runs', 'output', ...flags);
        return document.reports.map(({ started_at }) => started_at.slice(0, 10));
      };
      expect(await daysListed()).toEqual([0, ...ages].map(dayBefore));
      expect(await daysListed('--limit', '2')).toEqual([0, 1].map(dayBefore));
      for (const wrong of [['--prune'], ['--keep-days', '30'], ['--prune', '--keep-days', '0']]) {
        expectExit(await w.run('runs', 'output', ...wrong), 2);
      }
      expectExit(await w.run('runs', '--config', 'a.yaml', '--prune', '--keep-days', '30'), 2);
      const { document } = await w.json(0, 'runs', 'output', '--prune', '--keep-days', '30');
      expect(document.reports).toEqual([
        { lake: w.path('output'), records: 2, days: 2, kept_from: dayBefore(29) },
      ]);
      expect(await daysListed()).toEqual([0, 1, 3, 29].map(dayBefore));
      expect(existsSync(w.path('output/_runs', dayBefore(30)))).toBe(false);
      expect(existsSync(w.path('output/_runs/notes/read me.json'))).toBe(true);
      const again = await w.run('runs', 'output', '--prune', '--keep-days', '30');
      expect(again.stdout).toBe(`${w.path('output')}: no records from before ${dayBefore(29)}\n`);
      await w.json(0, 'verify', 'output');
    }),
  );

  test(
    'is no data: Silver, DuckDB over the whole lake and foundry show see the same rows as without',
    scenario(async (w) => {
      await putGood(w);
      for (let n = 0; n < 3; n += 1) await w.json(0, 'run-intent', ...ARGS);
      expect(await recordsOf(w, 'output')).toHaveLength(3);
      const [found] = await duckdb(
        `SELECT count(*) AS n FROM read_parquet(${quote(w.path('output/**/*.parquet'))}, hive_partitioning = true)`,
      );
      expect(Number(found?.n)).toBe(3);
      const { document } = await w.json(0, 'show', 'output');
      expect(document.reports[0].partitions).toHaveLength(1);
    }),
  );
});

test(
  'as ops would: the copied binary, an empty environment, killed in the middle, run again; the history tells both',
  scenario(async (w) => {
    await copyFile(foundryBinary(), w.path('foundry'));
    await chmod(w.path('foundry'), 0o755);
    await w.put('big.jsonl', `${JSON.stringify({ id: 1, v: 'x'.repeat(1000) })}\n`.repeat(100_000));
    await w.put('a.yaml', classic({ file: { path: 'big.jsonl' }, run: { max_rows_per_file: 5000 } }));
    // No PATH, no HOME: what cron gives is more.
    const foundry = (...args: string[]) =>
      Bun.spawn([w.path('foundry'), ...args], { cwd: w.folder, env: {}, stdout: 'pipe', stderr: 'pipe' });
    const killed = foundry('bronze', ...ARGS);
    await until('the first part', async () => (await w.spooled('output')) > 0);
    killed.kill('SIGKILL');
    expect(await killed.exited).toBe(137);
    expect(existsSync(w.path(BRONZE))).toBe(false);

    const again = foundry('bronze', ...ARGS, '--log-file', 'foundry.log', '--quiet');
    expect(await again.exited).toBe(0);
    expect(await w.spooled('output')).toBe(0);
    const [done] = (await readFile(w.path('foundry.log'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(done).toMatchObject({ dataset: 's.t', layer: 'bronze', status: 'complete', rows: 100_000 });

    const runs = foundry('runs', 'output', '--output', 'json');
    const { reports } = JSON.parse(await new Response(runs.stdout).text());
    expect(reports.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['complete', 'killed']);
    expect(reports[0].run_id).toBe(done.run_id);
    const { document } = await w.json(0, 'runs', 'output', '--failed');
    expect(document.reports).toMatchObject([{ outcome: 'killed', dataset: 's.t' }]);
  }),
);

describe('foundry runs', () => {
  test(
    'lists the newest first, of lakes or of the datasets of configs, as many and as failed as asked for',
    scenario(async (w) => {
      await putGood(w);
      await w.put('b.yaml', classic({ source: { table: 'other' } }));
      await w.json(0, 'run-intent', ...ARGS);
      await w.json(0, 'bronze', '--config', 'b.yaml', '--date', DATE);
      await w.put('in.csv', 'id,at\n1,2025-01-01\n1\n');
      await w.json(3, 'bronze', ...ARGS);
      const listed = async (...args: string[]) =>
        (await w.json(0, 'runs', ...args)).document.reports.map(
          ({ dataset, layer, outcome }) => `${dataset} ${layer} ${outcome}`,
        );
      const all = [
        's.t bronze failed',
        's.other bronze complete',
        's.t silver complete',
        's.t bronze complete',
      ];
      expect(await listed('output', 'silver_output')).toEqual(all);
      expect(await listed('--config', 'a.yaml')).toEqual(all.filter((line) => line.startsWith('s.t ')));
      expect(await listed('output', '--limit', '1')).toEqual(['s.t bronze failed']);
      expect(await listed('output', '--failed')).toEqual(['s.t bronze failed']);
      const { stdout } = await w.run('runs', 'output');
      expect(stdout.split('\n')[0]).toMatch(
        /^started +run +dataset +layer +date +outcome +rows +seconds +why$/,
      );
      expect(stdout).toMatch(/ s\.t +bronze +2025-01-05 +failed .*DATA001 /);
      expect((await w.run('runs', 'nowhere')).stdout).toBe('no runs are recorded\n');
      expectExit(await w.run('runs'), 2);
    }),
  );

  test(
    'passes over a file that is no record, and says so',
    scenario(async (w) => {
      await putGood(w);
      await w.json(0, 'bronze', ...ARGS);
      await w.put('output/_runs/2099-01-01/x.json', '{"not": "a record"}');
      const done = await w.json(0, 'runs', 'output');
      expect(done.document.reports).toHaveLength(1);
      expect(done.stderr).toContain('_runs/2099-01-01/x.json is no record of a run');
    }),
  );
});

describe('foundry show', () => {
  test(
    'tells a partition’s metadata, columns with their types, first rows and history, failed tries included',
    scenario(async (w) => {
      await putGood(w);
      await w.json(0, 'bronze', ...ARGS);
      const good = await readFile(w.path('in.csv'));
      await w.put('in.csv', 'id,at\n1\n');
      await w.json(3, 'bronze', ...ARGS);
      await w.put('in.csv', good);
      const { document } = await w.json(0, 'show', BRONZE, '--rows', '2');
      const [shown] = document.reports;
      expect(shown.metadata).toMatchObject({ layer: 'bronze', record_count: 3, status: 'complete' });
      expect(shown.first_rows).toEqual([
        {
          columns: [
            { name: 'id', type: 'string' },
            { name: 'at', type: 'string' },
          ],
          rows: [
            ['1', '2025-01-01'],
            ['2', '2025-01-02'],
          ],
        },
      ]);
      expect(shown.history.map((record: { outcome: string }) => record.outcome)).toEqual([
        'failed',
        'complete',
      ]);
      const { stdout } = await w.run('show', BRONZE);
      for (const fact of ['bronze s.t 2025-01-05: complete', 'commit ', 'string', '2025-01-02', 'history:']) {
        expect(stdout).toContain(fact);
      }
    }),
  );

  test(
    'reads CSV partitions as well, and lists what lies below any other folder',
    scenario(async (w) => {
      await putGood(w);
      await w.put('a.yaml', classic({ run: { write_parquet: false, write_csv: true } }));
      await w.json(0, 'bronze', ...ARGS);
      await w.json(0, 'bronze', '--config', 'a.yaml', '--date', '2025-01-06');
      const { document } = await w.json(0, 'show', BRONZE);
      expect(document.reports[0].first_rows[0].rows).toHaveLength(3);
      const folder = await w.json(0, 'show', 'output/system=s');
      expect(
        folder.document.reports[0].partitions.map(({ rows, layer }: { rows: number; layer: string }) => [
          layer,
          rows,
        ]),
      ).toEqual([
        ['bronze', 3],
        ['bronze', 3],
      ]);
      expectExit(await w.run('show', 'nowhere'), 4);
      expectExit(await w.run('show'), 2);
      expectExit(await w.run('show', BRONZE, '--as', 'duckdb'), 2);
      expectExit(await w.run('show', 'output', '--files'), 2);
      expectExit(await w.run('show', BRONZE, '--files', '--artifact', 'current'), 2);
    }),
  );

  test(
    '--files lists the committed files only, and --as duckdb is a statement that gives each row once, folders included',
    scenario(async (w) => {
      await putGood(w);
      await w.put(
        'a.yaml',
        intent({
          silver: {
            entity_kind: 'state',
            history_mode: 'scd2',
            natural_keys: ['id'],
            change_ts_column: 'at',
            partition_by: 'id',
          },
        }),
      );
      await w.json(0, 'run-intent', ...ARGS);
      await w.put(`${INTENT_SILVER}/id=1/state_current-stray.parquet`, 'no committed file');
      const listed = await w.run('show', INTENT_SILVER, '--files', '--artifact', 'state_current');
      const files = listed.stdout.trimEnd().split('\n');
      expect(files).toHaveLength(3);
      expect(listed.stdout).not.toContain('stray');
      for (const file of files) expect(await Bun.file(file).exists()).toBe(true);
      const { stdout } = await w.run(
        'show',
        INTENT_SILVER,
        '--files',
        '--as',
        'duckdb',
        '--artifact',
        'state_current',
      );
      const rows = await duckdb(stdout);
      expect(rows.map(({ id }) => Number(id)).sort()).toEqual([1, 2, 3]);
      const spark = await w.run('show', INTENT_SILVER, '--files', '--as', 'spark');
      expect(spark.stdout).toContain(`.option("basePath", ${JSON.stringify(w.path(INTENT_SILVER))})`);
      const pandas = await w.run(
        'show',
        INTENT_SILVER,
        '--files',
        '--as',
        'pandas',
        '--artifact',
        'state_history',
      );
      expect(pandas.stdout.match(/\.assign\(\*\*\{"id": "\d"\}\)/g)).toHaveLength(3);
    }),
  );

  test(
    'an environment without a home and without a config is enough',
    scenario(async (w) => {
      await putGood(w);
      await w.json(0, 'run-intent', ...ARGS);
      const done = await runFoundry(['show', w.path(SILVER), '--files'], {
        cwd: '/',
        env: { HOME: '/nowhere' },
      });
      expectExit(done, 0);
      expect(done.stdout.trim()).toStartWith(w.path(SILVER));
    }),
  );
});
