import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { azureTestStore, s3TestStore, type TestStore } from '../testing/object-stores.ts';
import {
  csv,
  DATE,
  expectExit,
  openWorkspace,
  parseDocument,
  type Run,
  runFoundry,
  scenario,
  type Workspace,
} from './support.ts';

const ROWS = csv(['id', 'v', 'at'], [1, 'a', '2025-01-01'], [2, 'b', '2025-01-02'], [1, 'c', '2025-01-03']);
const SILVER = {
  entity_kind: 'state',
  history_mode: 'scd2',
  natural_keys: ['id'],
  change_ts_column: 'at',
  attributes: ['v'],
  partition_by: ['v'],
};

for (const [name, makeStore] of [
  ['S3', s3TestStore],
  ['Azure', azureTestStore],
] as const) {
  describe(`a lake on ${name}`, () => {
    let store: TestStore;
    let w: Workspace;
    beforeAll(async () => {
      [store, w] = await Promise.all([makeStore(), openWorkspace()]);
    });
    afterAll(() => w.remove());

    const run = (cwd: string, ...args: string[]): Promise<Run> =>
      runFoundry(args, { cwd, env: { ...store.env, AWS_EC2_METADATA_DISABLED: 'true' } });
    const json = async (exitCode: number, cwd: string, ...args: string[]) => {
      const done = await run(cwd, ...args, '--output', 'json');
      expectExit(done, exitCode);
      return { ...done, document: parseDocument(done) };
    };
    /** Names and hashes below a place. */
    const tree = async (place: string): Promise<Record<string, string>> => {
      const storage = store.open(place);
      const found: Record<string, string> = {};
      for await (const { key } of storage.list('')) {
        const hash = createHash('sha256');
        for await (const chunk of storage.read(key)) hash.update(chunk);
        found[key] = hash.digest('hex');
      }
      return found;
    };
    const data = (entries: Record<string, string>): Record<string, string> =>
      Object.fromEntries(Object.entries(entries).filter(([key]) => !/(?:^|\/)_/.test(key)));

    const intentOn = (place: string): object => ({
      system: 's',
      entity: 't',
      bronze: {
        path_pattern: `${place}/in/{date}/*.csv`,
        options: { local_output_dir: `${place}/bronze`, max_rows_per_file: 2 },
      },
      silver: { ...SILVER, output_dir: `${place}/silver` },
    });

    test('holds what a local one would, byte for byte, and nothing but a spool was local', async () => {
      const place = store.place();
      await store.open(place).put(`in/${DATE}/a b#+%.csv`, { bytes: new TextEncoder().encode(ROWS) });
      await w.put('remote/a.yaml', intentOn(place));
      const { document } = await json(0, w.path('remote'), 'run-intent', '-c', 'a.yaml', '--date', DATE);
      expect(document.reports.map(({ status }) => status)).toEqual(['complete', 'complete']);
      expect(document.reports[0].location).toBe(`${place}/bronze/system=s/table=t/pattern=full/dt=${DATE}`);
      expect(await readdir(w.path('remote'))).toEqual(['a.yaml']);

      await w.put(`local/in/${DATE}/a b#+%.csv`, ROWS);
      await w.put('local/a.yaml', intentOn('.'));
      expectExit(await run(w.path('local'), 'run-intent', '-c', 'a.yaml', '--date', DATE), 0);
      const remote = data(await tree(place));
      const { [`in/${DATE}/a b#+%.csv`]: _in, ...lake } = remote;
      const local: Record<string, string> = {};
      for (const base of ['bronze', 'silver']) {
        for (const [key, hash] of Object.entries(await w.snapshot(`local/${base}`)))
          if (hash !== '' && !key.startsWith('.foundry')) local[`${base}/${key}`] = hash;
      }
      expect(lake).toEqual(data(local));
      expect(Object.keys(lake).length).toBeGreaterThan(4);

      const again = await json(0, w.path('remote'), 'run-intent', '-c', 'a.yaml', '--date', DATE);
      expect(again.document.reports.map(({ status }) => status)).toEqual(['unchanged', 'unchanged']);
      expect(data(await tree(place))).toEqual(remote);
    });

    test('keeps the records of its runs, which runs and show read from there', async () => {
      const place = store.place();
      await store.open(place).put(`in/${DATE}/a.csv`, { bytes: new TextEncoder().encode(ROWS) });
      await w.put('told/a.yaml', intentOn(place));
      const cwd = w.path('told');
      const { document } = await json(0, cwd, 'run-intent', '-c', 'a.yaml', '--date', DATE);
      await json(4, cwd, 'bronze', '-c', 'a.yaml', '--date', '2025-01-06');
      const outcomes = ({ reports }: { reports: { layer: string; outcome: string }[] }) =>
        reports.map(({ layer, outcome }) => `${layer} ${outcome}`);
      const all = ['bronze failed', 'silver complete', 'bronze complete'];
      expect(outcomes((await json(0, cwd, 'runs', '-c', 'a.yaml')).document)).toEqual(all);
      expect(outcomes((await json(0, cwd, 'runs', `${place}/silver`)).document)).toEqual(all.slice(1, 2));
      const { location, files } = document.reports[0];
      const shown = (await json(0, cwd, 'show', location)).document.reports[0];
      expect(shown.first_rows[0].rows[0]).toEqual(['1', 'a', '2025-01-01']);
      expect(outcomes({ reports: shown.history })).toEqual(all.slice(2));
      const listed = await run(cwd, 'show', location, '--files');
      expect(listed.stdout.trim().split('\n')).toEqual(
        files.map((file: { path: string }) => `${location}/${file.path}`),
      );
    });

    test('is read by silver --bronze-path, and not past --spool-limit', async () => {
      const place = store.place();
      await store.open(place).put(`in/${DATE}/a.csv`, { bytes: new TextEncoder().encode(ROWS) });
      await w.put('read/a.yaml', intentOn(place));
      const cwd = w.path('read');
      expectExit(await run(cwd, 'bronze', '-c', 'a.yaml', '--date', DATE), 0);
      const flags = ['silver', '--primary-key', 'id', '--order-column', 'at', '--silver-model', 'scd_type_1'];
      const bronze = `${place}/bronze/system=s/table=t/pattern=full/dt=${DATE}`;
      const asked = [...flags, '--date', DATE, '--silver-base', `${place}/adhoc`, '--bronze-path', bronze];
      const { document } = await json(0, cwd, ...asked, '--require-checksum');
      expect(document.reports[0].artifacts).toEqual([{ artifact: 'current', rows: 2 }]);
      const refused = await run(cwd, ...asked, '--spool-limit', '100B');
      expectExit(refused, 5);
      expect(refused.stderr).toContain('--spool-limit is 100 B');
      const source = await run(cwd, 'bronze', '-c', 'a.yaml', '--date', DATE, '--spool-limit', '10B');
      expectExit(source, 5);
      expect(source.stderr).toContain('--spool-limit is 10 B');
    });

    test('a dry run reads it, writes nothing, and says what would be replaced', async () => {
      const place = store.place();
      await store.open(place).put(`in/${DATE}/a.csv`, { bytes: new TextEncoder().encode(ROWS) });
      await w.put('dry/a.yaml', intentOn(place));
      const cwd = w.path('dry');
      const dry = () => json(0, cwd, 'run-intent', '-c', 'a.yaml', '--date', DATE, '--dry-run');
      const before = await tree(place);
      expect((await dry()).document.reports[0].source.inputs).toEqual([
        { path: `${place}/in/${DATE}/a.csv`, size_bytes: ROWS.length },
      ]);
      expect(await tree(place)).toEqual(before);
      expectExit(await run(cwd, 'run-intent', '-c', 'a.yaml', '--date', DATE), 0);
      expect((await dry()).document.reports.map(({ replaces }) => replaces.record_count)).toEqual([3, 5]);
    });

    test('a manifest file that was changed is found out before Silver reads it', async () => {
      const place = store.place();
      const storage = store.open(place);
      await storage.put(`in/${DATE}/a.csv`, { bytes: new TextEncoder().encode(ROWS) });
      await w.put('sum/a.yaml', intentOn(place));
      const cwd = w.path('sum');
      expectExit(await run(cwd, 'bronze', '-c', 'a.yaml', '--date', DATE), 0);
      for await (const { key, sizeBytes } of storage.list('bronze')) {
        if (key.endsWith('.parquet')) await storage.put(key, { bytes: new Uint8Array(sizeBytes) });
      }
      const refused = await run(cwd, 'silver', '-c', 'a.yaml', '--date', DATE);
      expectExit(refused, 3);
      expect(refused.stderr).toContain('[SUM001]');
    });

    test('a place without objects is EXT001, one without rights or a bucket says what to do', async () => {
      const place = store.place();
      await w.put('none/a.yaml', intentOn(place));
      const none = await run(w.path('none'), 'bronze', '-c', 'a.yaml', '--date', DATE);
      expectExit(none, 4);
      expect(none.stderr).toContain(`no object matches ${place}/in/${DATE}/*.csv`);
      await w.put('none/b.yaml', intentOn(`${place.slice(0, place.indexOf('://'))}://no-such-bucket/x`));
      const nowhere = await run(w.path('none'), 'bronze', '-c', 'b.yaml', '--date', DATE);
      expectExit(nowhere, 5);
      expect(nowhere.stderr).toMatch(/Create the bucket no-such-bucket|--create-container/);
    });

    test('keep_local keeps a second, local partition, and storage_enabled: false only that', async () => {
      const place = store.place();
      const config = (options: object) => ({
        ...intentOn(place),
        bronze: {
          path_pattern: 'in.csv',
          ...(name === 'S3'
            ? { output_storage: 's3', output_bucket: store.uri.slice(5), output_prefix: 'kept' }
            : { output_storage: 'azure', output_bucket: store.uri.slice(5), output_prefix: 'kept' }),
          options: { local_output_dir: 'here', ...options },
        },
      });
      await w.put('keep/in.csv', ROWS);
      await w.put('keep/keep.yaml', config({ keep_local: true }));
      await w.put('keep/off.yaml', config({ storage_enabled: false }));
      const cwd = w.path('keep');
      expectExit(await run(cwd, 'bronze', '-c', 'keep.yaml', '--date', DATE), 0);
      const remote = data(await tree(`${store.uri}/kept`));
      const local = Object.fromEntries(
        Object.entries(data(await w.snapshot('keep/here'))).filter(
          ([key, hash]) => hash !== '' && !key.startsWith('.foundry'),
        ),
      );
      expect(local).toEqual(remote);
      expectExit(await run(cwd, 'bronze', '-c', 'off.yaml', '--date', '2025-01-06'), 0);
      expect(data(await tree(`${store.uri}/kept`))).toEqual(remote);
      expect(await w.files('keep/here')).toContainEqual(expect.stringContaining('dt=2025-01-06'));
    });
  });
}

test(
  'a container is created where --create-container or init --config asks for it, and never in a dry run',
  scenario(async (w) => {
    const store = await azureTestStore();
    const [lake, curated, joined] = [1, 2, 3].map(() => `new-${crypto.randomUUID()}`);
    await w.put('in.csv', ROWS);
    await w.put('a.yaml', {
      system: 's',
      entity: 't',
      storage: { bronze: { backend: 'azure', bucket: lake }, silver: { backend: 'azure', bucket: curated } },
      bronze: { path_pattern: 'in.csv' },
      silver: SILVER,
    });
    const silver = `az://${curated}/domain=s/entity=t/v1/load_date=${DATE}`;
    await w.put('join.yaml', {
      platform: { bronze: {} },
      silver_join: {
        left: { path: silver },
        right: { path: silver },
        output: { path: `az://${joined}/pairs`, model: 'scd_type_1', join_keys: ['id'] },
      },
    });
    const run = (command: string, ...flags: string[]) =>
      runFoundry([...command.split(' '), ...flags], { cwd: w.folder, env: store.env });
    const bronze = `bronze -c a.yaml --date ${DATE}`;
    const refused = await run(bronze);
    expectExit(refused, 5);
    expect(refused.stderr).toMatch(/init --config.*--create-container/);
    expectExit(await run(bronze, '--dry-run', '--create-container'), 5);
    expectExit(await run(bronze), 5);
    expectExit(await run(bronze, '--create-container'), 0);

    expectExit(await run(`silver -c a.yaml --date ${DATE}`), 5);
    expectExit(await run('init --config a.yaml --example s3_example'), 2);
    expectExit(await run(`silver -c a.yaml --date ${DATE}`), 5);
    const made = await run('init --config a.yaml --output json');
    expectExit(made, 0);
    expect(parseDocument(made).reports).toEqual([
      { container: lake, status: 'there already' },
      { container: curated, status: 'created' },
    ]);
    expectExit(await run(`silver -c a.yaml --date ${DATE}`), 0);

    expectExit(await run('join -c join.yaml --dry-run --create-container'), 5);
    expectExit(await run('join -c join.yaml'), 5);
    expectExit(await run('join -c join.yaml --create-container'), 0);
    expect((await w.files()).sort()).toEqual(['a.yaml', 'in.csv', 'join.yaml']);
  }),
);

describe('scenario 80: --storage-scope onprem', () => {
  const SCOPE = ['--storage-scope', 'onprem'];
  const config = (bronze: object, connection: object = {}) => ({
    platform: { bronze, s3_connection: connection },
    source: { system: 's', table: 't', file: { path: 'in.csv' } },
    silver: {},
  });
  const local = (storage_metadata: object | undefined) => ({ storage_backend: 'local', storage_metadata });

  test(
    'refuses before anything is contacted, on bronze, silver and run-intent; takes what is at home',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      const refused: readonly (readonly [object, string])[] = [
        [config(local(undefined)), 'boundary'],
        [config(local({ boundary: 'onprem', provider_type: 's3_cloud' })), 's3_cloud'],
        [
          config({
            storage_backend: 'azure',
            azure_container: 'con',
            storage_metadata: { boundary: 'onprem' },
          }),
          'Azure',
        ],
        [
          config(
            { storage_backend: 's3', s3_bucket: 'b', storage_metadata: { boundary: 'onprem' } },
            { endpoint_url: 'https://s3.example.com' },
          ),
          's3.example.com',
        ],
      ];
      for (const [dataset, word] of refused) {
        await w.put('a.yaml', dataset);
        for (const command of ['bronze', 'silver', 'run-intent']) {
          const run = await w.run(command, '-c', 'a.yaml', '--date', DATE, ...SCOPE);
          expectExit(run, 2);
          expect(run.stderr).toContain('[POL001]');
          expect(run.stderr).toContain(word);
        }
      }
      await w.put('a.yaml', config(local({ boundary: 'mars' })));
      expectExit(await w.run('bronze', '-c', 'a.yaml', '--date', DATE), 2);
      expect(await w.files('output')).toEqual([]);
      await w.put(
        'a.yaml',
        config(local({ boundary: 'onprem', provider_type: 's3_local', cloud_provider: null })),
      );
      expectExit(await w.run('run-intent', '-c', 'a.yaml', '--date', DATE, '--onprem-only'), 0);
    }),
  );

  test(
    'takes an S3 at home, and refuses a webhook that is not, without telling it',
    scenario(async (w) => {
      const store = await s3TestStore();
      await w.put('in.csv', ROWS);
      const place = { storage_backend: 's3', s3_bucket: store.uri.slice(5), s3_prefix: 'x' };
      const metadata = { boundary: 'onprem', provider_type: 's3_local' };
      await w.put('a.yaml', config({ ...place, storage_metadata: metadata }));
      const run = (...flags: string[]) =>
        runFoundry(['bronze', '-c', 'a.yaml', '--date', DATE, ...SCOPE, ...flags], {
          cwd: w.folder,
          env: store.env,
        });
      expectExit(await run(), 0);
      const told = await run('--on-success-webhook', 'https://hooks.example.com/x');
      expectExit(told, 2);
      expect(told.stderr).toContain('a webhook goes to hooks.example.com');

      await w.put('environments/cloud.yaml', {
        name: 'cloud',
        s3: { endpoint_url: 'https://storage.example.com' },
      });
      await w.put('a.yaml', {
        ...config({ ...place, storage_metadata: metadata }),
        environment: 'cloud',
      });
      const elsewhere = await run();
      expectExit(elsewhere, 2);
      expect(elsewhere.stderr).toContain('goes to storage.example.com');
    }),
  );
});

test(
  'the cloud quick test of the README: samples to a bucket, s3_example, Silver back to the bucket',
  scenario(async (w) => {
    const store = await s3TestStore();
    const bucket = store.uri.slice(5);
    const env = { ...store.env, FOUNDRY_BUCKET: bucket };
    const run = (args: string, variables: Readonly<Record<string, string>> = env) =>
      runFoundry(args.split(' '), { cwd: w.folder, env: variables });
    const sizes = '--days 1 --patterns 1 --full-row-count 50';
    expectExit(await run(`samples --output-base-dir s3://${bucket}/source_samples ${sizes}`), 0);
    expectExit(await run('init --example s3_example'), 0);
    expect((await w.files()).sort()).toEqual(['environments/dev.yaml', 's3_example.yaml']);

    const day = 'run-intent --config s3_example.yaml --date 2025-11-13';
    const unset = await run(day, store.env);
    expectExit(unset, 2);
    expect(unset.stderr).toContain('s3.buckets.source_data');
    const done = await run(day);
    expectExit(done, 0);
    expect(await run(day).then(({ stdout }) => stdout)).toContain('unchanged');
    const keys: string[] = [];
    for await (const { key } of store.open(store.uri).list('silver_samples')) keys.push(key);
    expect(keys).toContainEqual(
      expect.stringMatching(
        /^silver_samples\/env=dev\/domain=sales\/entity=orders\/v1\/load_date=2025-11-13\/event_date=2025-11-\d\d\/events-\w{8}\.parquet$/,
      ),
    );
    expect((await w.files()).sort()).toEqual(['environments/dev.yaml', 's3_example.yaml']);
  }),
);
