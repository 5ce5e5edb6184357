import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { openPublishedSchemas, type PublishedSchemas } from '../testing/published.ts';
import {
  classic,
  csv,
  DATE,
  describeRun,
  expectExit,
  intent,
  runFoundry,
  scenario,
  type Workspace,
} from './support.ts';

setDefaultTimeout(30_000);
// biome-ignore lint/suspicious/noExplicitAny: tests look into every field of events
type Event = any;
const events: Event[] = [];
const requests: { readonly path: string; readonly authorization: string | null }[] = [];
let status = 200;
let schemas: PublishedSchemas;
let server: Bun.Server<undefined>;
let url: string;
const lineageProblems = async (sent: readonly Event[]): Promise<readonly string[]> =>
  (await Promise.all(sent.map((event) => schemas.problems('lineage', event)))).flat();

beforeAll(() => {
  schemas = openPublishedSchemas();
  server = Bun.serve({
    port: 0,
    async fetch(request) {
      requests.push({
        path: new URL(request.url).pathname,
        authorization: request.headers.get('authorization'),
      });
      events.push(await request.json());
      return new Response('', { status });
    },
  });
  url = `http://localhost:${server.port}`;
});
afterAll(async () => {
  await server.stop(true);
  await schemas.close();
});
beforeEach(() => {
  events.length = 0;
  requests.length = 0;
  status = 200;
});

const ARGS = ['--config', 'a.yaml', '--date', DATE];
const run = (w: Workspace, env: Record<string, string>, ...args: string[]) =>
  runFoundry(args, { cwd: w.folder, env });

async function putIntent(w: Workspace): Promise<void> {
  await w.put(
    'in.csv',
    csv(['id', 'at', 'v'], [1, '2025-01-01', 'x'], [2, '2025-01-02', 'y'], [1, '2025-01-03', 'z']),
  );
  await w.put(
    'a.yaml',
    intent({
      silver: {
        entity_kind: 'state',
        history_mode: 'scd2',
        natural_keys: ['id'],
        change_ts_column: 'at',
        attributes: ['v'],
      },
    }),
  );
}

describe('OpenLineage', () => {
  test(
    'an HTTP endpoint gets valid events of Bronze and Silver: a start and an end of each, with tables, columns and counts',
    scenario(async (w) => {
      await putIntent(w);
      expectExit(
        await run(w, { OPENLINEAGE_URL: url, OPENLINEAGE_API_KEY: 'k3y-of-marquez' }, 'run-intent', ...ARGS),
        0,
      );
      expect(await lineageProblems(events)).toEqual([]);
      expect(requests[0]).toEqual({ path: '/api/v1/lineage', authorization: 'Bearer k3y-of-marquez' });
      expect(events.map(({ eventType, job }) => `${eventType} ${job.name}`)).toEqual([
        'START bronze.s.t',
        'COMPLETE bronze.s.t',
        'START silver.s.t',
        'COMPLETE silver.s.t',
      ]);
      const [bronzeStart, bronze, silverStart, silver] = events;
      expect(bronze.run.runId).toBe(bronzeStart.run.runId);
      expect(silver.run.runId).toBe(silverStart.run.runId);
      expect(silver.run.runId).not.toBe(bronze.run.runId);
      // The schemas cannot tell a standard facet under a name of its own from a facet of one's own.
      expect(Object.keys(silver.run.facets)).toEqual([
        'parent',
        'nominalTime',
        'processing_engine',
        'foundry',
      ]);
      expect(Object.keys(silver.job.facets)).toEqual(['jobType']);
      expect(Object.keys(silver.outputs[0].facets)).toEqual(['schema', 'version', 'columnLineage']);
      const table = { namespace: 'file', name: w.path('output/system=s/table=t') };
      expect(bronze.inputs).toMatchObject([{ namespace: 'file', name: w.path('in.csv') }]);
      expect(bronze.outputs).toMatchObject([
        { ...table, outputFacets: { outputStatistics: { rowCount: 3 } } },
      ]);
      expect(silver.inputs).toMatchObject([
        { ...table, inputFacets: { dataQualityMetrics: { rowCount: 3 } } },
      ]);
      const folder = w.path('silver/domain=s/entity=t/v1');
      expect(
        silver.outputs.map((output: Event) => [output.name, output.outputFacets.outputStatistics.rowCount]),
      ).toEqual([
        [`${folder}/state_history`, 3],
        [`${folder}/state_current`, 2],
      ]);
    }),
  );

  test(
    'each column says what it comes from: itself, a rename, a cast, the order column, or nothing',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'at', 'v'], [1, '2025-01-01', '7']));
      await w.put(
        'a.yaml',
        classic({
          silver: {
            model: 'scd_type_2',
            primary_keys: ['key'],
            order_column: 'at',
            schema: { rename_map: { id: 'key' } },
            types: { v: 'int64' },
          },
        }),
      );
      const done = await run(
        w,
        { FOUNDRY_LINEAGE_FILE: 'out/lineage.jsonl', OPENLINEAGE_NAMESPACE: 'ours' },
        'run-intent',
        ...ARGS,
      );
      if (done.exitCode !== 0) throw new Error(describeRun(done));
      const lines: Event[] = readFileSync(w.path('out/lineage.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(await lineageProblems(lines)).toEqual([]);
      expect(lines.every(({ job }) => job.namespace === 'ours')).toBe(true);
      const bronze = lines[1].outputs[0].facets.columnLineage.fields;
      expect(bronze.id.inputFields).toMatchObject([
        { field: 'id', transformations: [{ subtype: 'IDENTITY' }] },
      ]);
      const { fields, dataset } = lines[3].outputs.find((output: Event) => output.name.endsWith('/history'))
        .facets.columnLineage;
      const of = (name: string) =>
        fields[name].inputFields.map((input: Event) => `${input.field} ${input.transformations[0].subtype}`);
      expect(of('key')).toEqual(['id TRANSFORMATION']);
      expect(of('at')).toEqual(['at IDENTITY']);
      expect(of('v')).toEqual(['v TRANSFORMATION']);
      expect(of('is_current')).toEqual(['at TRANSFORMATION']);
      expect(dataset.map((input: Event) => `${input.field} ${input.transformations[0].subtype}`)).toEqual([
        'id GROUP_BY',
        'at SORT',
      ]);
      expect(lines[3].outputs[0].facets.schema.fields.map((field: Event) => field.name)).toContain('key');
    }),
  );

  test(
    'a failure is a valid FAIL event with its message, secrets masked, and the scheduler’s run as its parent',
    scenario(async (w) => {
      await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
      const parent = '019f0d5a-6b6e-7b5c-9a0e-2f5d3c1e7ad0';
      expectExit(
        await run(
          w,
          { OPENLINEAGE_URL: url, OPENLINEAGE_PARENT_ID: `airflow/dag.task/${parent}` },
          'bronze',
          ...ARGS,
        ),
        4,
      );
      expect(await lineageProblems(events)).toEqual([]);
      const [, failed] = events;
      expect(failed.eventType).toBe('FAIL');
      expect(failed.run.facets.errorMessage.message).toStartWith('[EXT001] ');
      expect(failed.run.facets.parent).toMatchObject({
        run: { runId: parent },
        job: { namespace: 'airflow', name: 'dag.task' },
      });
    }),
  );

  test(
    'an endpoint that refuses is one warning and changes nothing; plans and OPENLINEAGE_DISABLED send nothing',
    scenario(async (w) => {
      await putIntent(w);
      status = 403;
      const refused = await run(w, { OPENLINEAGE_URL: url }, 'run-intent', ...ARGS);
      expectExit(refused, 0);
      expect(refused.stderr.match(/lineage events cannot be sent/g)).toHaveLength(1);
      events.length = 0;
      expectExit(await run(w, { OPENLINEAGE_URL: url }, 'run-intent', ...ARGS, '--dry-run'), 0);
      expectExit(
        await run(w, { OPENLINEAGE_URL: url, OPENLINEAGE_DISABLED: 'true' }, 'run-intent', ...ARGS),
        0,
      );
      expect(events).toEqual([]);
    }),
  );
});

describe('a join', () => {
  test(
    'is a step like the others: valid lineage from both Silver tables, a record beside its output, catalog lines, hooks',
    scenario(async (w) => {
      const env = { OPENLINEAGE_URL: url, FOUNDRY_CATALOG_FILE: 'catalog.jsonl' };
      for (const table of ['l', 'r']) {
        await w.put(`${table}.csv`, csv(['id', table], [1, 'x'], [2, 'y']));
        await w.put(
          `${table}.yaml`,
          classic({ file: { path: `${table}.csv` }, source: { table }, silver: { output_dir: './silver' } }),
        );
        expectExit(await run(w, env, 'run-intent', '--config', `${table}.yaml`, '--date', DATE), 0);
      }
      const written = events.filter(
        ({ eventType, job }) => eventType === 'COMPLETE' && job.name.startsWith('silver'),
      );
      const tables = written.map(({ outputs }) => outputs[0].name);
      events.length = 0;
      const side = (table: string) => ({ path: `./silver/domain=s/entity=${table}/v1/load_date=${DATE}` });
      await w.put('join.yaml', {
        silver_join: {
          left: side('l'),
          right: side('r'),
          output: { path: './joined/out', join_keys: ['id'], join_type: 'inner' },
        },
      });
      const args = [
        'join',
        '--config',
        'join.yaml',
        '--date',
        DATE,
        '--on-success-command',
        'cat > told.json',
      ];
      expectExit(await run(w, env, ...args), 0);
      expect(await lineageProblems(events)).toEqual([]);
      expect(events.map(({ eventType }) => eventType)).toEqual(['START', 'COMPLETE']);
      const [, joined] = events;
      expect(joined.inputs.map(({ name }: Event) => name)).toEqual(tables);
      const [output] = joined.outputs;
      expect(output.outputFacets.outputStatistics.rowCount).toBe(2);
      const { fields, dataset } = output.facets.columnLineage;
      expect(fields.r.inputFields.map((input: Event) => [input.name, input.field])).toEqual([
        [tables[1], 'r'],
      ]);
      expect(dataset.map((input: Event) => [input.field, input.transformations[0].subtype])).toEqual([
        ['id', 'JOIN'],
        ['id', 'JOIN'],
      ]);
      const { document } = await w.json(0, 'runs', 'joined');
      expect(document.reports).toMatchObject([{ layer: 'join', outcome: 'complete', rows: { joined: 2 } }]);
      const { run_id } = await w.read('joined/out/_metadata.json');
      expect(document.reports[0].run_id).toBe(run_id);
      expect(await w.read('told.json')).toMatchObject({ layer: 'join', status: 'success', run_id });
      const lines = readFileSync(w.path('catalog.jsonl'), 'utf8');
      expect(lines).toContain('silver_join_completed');
      await w.put('join.yaml', {
        silver_join: {
          left: side('gone'),
          right: side('r'),
          output: { path: './joined/out', join_keys: ['id'] },
        },
      });
      expectExit(await run(w, env, ...args), 4);
      const failed = await w.json(0, 'runs', 'joined', '--failed');
      expect(failed.document.reports).toMatchObject([{ layer: 'join', error: { code: 'EXT001' } }]);
    }),
  );
});

describe('the catalog file', () => {
  test(
    'gets the event, the run, the columns and the quality of each step as JSON lines, and of a failure the error',
    scenario(async (w) => {
      await putIntent(w);
      const env = { FOUNDRY_CATALOG_FILE: 'catalog/foundry.jsonl' };
      expectExit(await run(w, env, 'run-intent', ...ARGS), 0);
      await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
      expectExit(await run(w, env, 'bronze', ...ARGS), 4);
      const lines: Event[] = readFileSync(w.path('catalog/foundry.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      const kinds = ['event', 'run_metadata', 'schema_snapshot', 'quality_snapshot'];
      expect(lines.map(({ dataset_id, type }) => `${dataset_id} ${type}`)).toEqual([
        ...kinds.map((kind) => `bronze:s.t ${kind}`),
        ...kinds.map((kind) => `silver:s.t ${kind}`),
        'bronze:s.t event',
        'bronze:s.t run_metadata',
      ]);
      expect(lines.filter(({ type }) => type === 'event').map(({ event }) => event)).toEqual([
        'bronze_run_completed',
        'silver_promotion_completed',
        'bronze_run_failed',
      ]);
      expect(lines[1]).toMatchObject({ status: 'success', record_count: 3 });
      expect(lines[2].columns).toEqual(['id', 'at', 'v'].map((name) => ({ name, type: 'string' })));
      expect(lines[3]).toMatchObject({ record_count: 3, quarantined_rows: 0 });
      expect(lines[6].artifacts.state_current.length).toBeGreaterThan(3);
      expect(lines[7].rows).toMatchObject({ read: 3 });
      expect(lines.at(-1)).toMatchObject({ status: 'failure', error: { code: 'EXT001' } });
    }),
  );
});

test(
  'a join whose dataset failed is told as not run, in the report and to the hooks',
  scenario(async (w) => {
    const side = { path: `./silver/domain=s/entity=t/v1/load_date=${DATE}` };
    await w.put('a.yaml', {
      ...classic({ file: { path: 'gone.csv' }, silver: { output_dir: './silver' } }),
      silver_join: {
        name: 'pair',
        left: side,
        right: side,
        output: { path: './joined/out', join_keys: ['id'] },
      },
    });
    const { document } = await w.json(4, 'run-intent', ...ARGS, '--on-failure-command', 'cat > told.json');
    expect(document.not_run).toEqual(['pair']);
    expect((await w.read('told.json')).parallel_results).toEqual([
      { config_name: 's.t', status: 'failure' },
      { config_name: 'pair', status: 'not_run' },
    ]);
  }),
);
