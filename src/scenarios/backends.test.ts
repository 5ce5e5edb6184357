import { expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openStorage } from '../storage/open.ts';
import type { Storage } from '../storage/storage.ts';
import { azureTestStore, s3TestStore, type TestStore } from '../testing/object-stores.ts';
import { parquetRows } from './readers.ts';
import {
  csv,
  DATE,
  expectExit,
  parseDocument,
  runFoundry,
  scenario,
  sha256Of,
  type Workspace,
} from './support.ts';

/** Where a lake lies. */
interface Backend {
  /** As configs name it. */
  readonly place: string;
  readonly storage: Storage;
  readonly env: Readonly<Record<string, string>>;
}

const remote = async (making: Promise<TestStore>): Promise<Backend> => {
  const { env, open, place: makePlace } = await making;
  const place = makePlace();
  return { place, storage: open(place), env: { ...env, AWS_EC2_METADATA_DISABLED: 'true' } };
};

const BACKENDS = [
  [
    'the local disk',
    async (w: Workspace) => ({ place: 'lake', storage: openStorage(w.path('lake')), env: {} }),
  ],
  ['S3', () => remote(s3TestStore())],
  ['Azure', () => remote(azureTestStore())],
] as const satisfies readonly (readonly [string, (w: Workspace) => Promise<Backend>])[];

const silverAt = (entity: string): string => `silver/domain=s/entity=${entity}/v1/load_date=${DATE}`;
const bronzeAt = (table: string): string => `bronze/system=s/table=${table}/pattern=full/dt=${DATE}`;

/** Orders by their last state, customers with their history in folders, and what customers did: one has no key. */
function shop(place: string): object {
  const dataset = (entity: string, silver: object): object => ({
    system: 's',
    entity,
    bronze: {
      path_pattern: `${place}/in/{date}/${entity} #*.csv`,
      options: { local_output_dir: `${place}/bronze`, max_rows_per_file: 2 },
    },
    silver: { output_dir: `${place}/silver`, partition_by: [], ...silver },
  });
  const table = (entity: string): object => ({ base: `${place}/silver`, domain: 's', entity });
  return {
    datasets: [
      dataset('orders', {
        entity_kind: 'state',
        history_mode: 'scd1',
        natural_keys: ['order'],
        change_ts_column: 'at',
        attributes: ['customer', 'total'],
      }),
      dataset('customers', {
        entity_kind: 'state',
        history_mode: 'scd2',
        natural_keys: ['customer'],
        change_ts_column: 'since',
        attributes: ['city'],
        partition_by: ['city'],
      }),
      dataset('visits', {
        entity_kind: 'event',
        natural_keys: ['visit'],
        event_ts_column: 'at',
        attributes: ['customer'],
        error_handling: { enabled: true, max_bad_records: 1 },
      }),
    ],
    silver_join: {
      left: table('orders'),
      right: { ...table('customers'), artifact: 'current' },
      output: {
        ...table('placed'),
        join_type: 'left',
        join_key_pairs: [{ left: 'customer', right: 'customer' }],
        select_columns: ['order', 'total', 'right.city'],
        chunk_size: 1,
      },
    },
  };
}

const ORDERS = csv(
  ['order', 'customer', 'total', 'at'],
  [1, 'ü 1', '20.00', '2025-01-01'],
  [2, 'ü 1', '35.50', '2025-01-02'],
  [1, 'ü 1', '21.00', '2025-01-03'],
  [3, 'none', '8.00', '2025-01-03'],
);
const CUSTOMERS = csv(
  ['customer', 'city', 'since'],
  ['ü 1', 'Kiel + Förde', '2025-01-01'],
  ['ü 1', 'Bonn/50%', '2025-01-02'],
  ['c2', 'Bonn/50%', '2025-01-01'],
);
const visits = (...keys: (number | '')[]): string =>
  csv(['visit', 'customer', 'at'], ...keys.map((key) => [key, 'c2', '2025-01-04']));

test.concurrent.each(BACKENDS)(
  'a lake on %s: files to Bronze, Silver and a join, verified, run again, refused, damaged and mended',
  (_name, open) =>
    scenario(async (w) => {
      const { env, place, storage } = await open(w);
      const run = (...args: string[]) => runFoundry([...args, '--output', 'json'], { cwd: w.folder, env });
      const reports = async (exitCode: number, ...args: string[]) => {
        const done = await run(...args);
        expectExit(done, exitCode);
        return parseDocument(done).reports;
      };
      const put = (key: string, text: string) => storage.put(key, { bytes: new TextEncoder().encode(text) });
      const source = (table: string) => `in/${DATE}/${table} #1+%41.csv`;
      const textOf = async (key: string) =>
        new TextDecoder().decode((await storage.readBytes(key))?.bytes ?? new Uint8Array());
      /** Every file of data with its hash. */
      const data = async () => {
        const found: Record<string, string> = {};
        for await (const { key } of storage.list('')) {
          if (!/\.(?:parquet|jsonl)$/.test(key)) continue;
          await mkdir(dirname(w.path('fetched', key)), { recursive: true });
          await storage.download(key, w.path('fetched', key));
          found[key] = await sha256Of(w.path('fetched', key));
        }
        return found;
      };
      /** Of the files that `data` fetched. */
      const rows = async (partition: string, artifact: string, ...columns: string[]) => {
        const found = await parquetRows(w.path('fetched', partition, '**', `${artifact}-*.parquet`));
        return found.map((row) => columns.map((column) => row[column] ?? '').join(' | ')).sort();
      };

      await put(source('orders'), ORDERS);
      await put(source('customers'), CUSTOMERS);
      await put(source('visits'), visits(1, 2, ''));
      await w.put('shop.yaml', shop(place));
      const day = ['run-intent', '-c', 'shop.yaml', '--date', DATE];
      const landed = await reports(0, ...day);
      const layers = ['bronze', 'silver', 'bronze', 'silver', 'bronze', 'silver', 'join'];
      expect(landed.map(({ layer, status }) => `${layer} ${status}`)).toEqual(
        layers.map((layer) => `${layer} complete`),
      );
      const before = await data();
      expect(await rows(silverAt('orders'), 'state_current', 'order', 'total')).toEqual([
        '1 | 21.00',
        '2 | 35.50',
        '3 | 8.00',
      ]);
      expect(await rows(silverAt('customers'), 'state_history', 'customer', 'city', 'is_current')).toEqual([
        'c2 | Bonn/50% | 1',
        'ü 1 | Bonn/50% | 1',
        'ü 1 | Kiel + Förde | 0',
      ]);
      expect(await rows(silverAt('visits'), 'events', 'visit')).toEqual(['1', '2']);
      expect(await rows(silverAt('placed'), 'full_snapshot', 'order', 'city')).toEqual([
        '1 | Bonn/50%',
        '2 | Bonn/50%',
        '3 | ',
      ]);
      const aside = Object.keys(before).find((key) => key.includes('_quarantine/')) ?? '';
      expect(aside).toStartWith(silverAt('visits'));
      expect(JSON.parse(await textOf(aside))).toMatchObject({ customer: 'c2' });
      expect(await reports(0, 'verify', '-c', 'shop.yaml')).toMatchObject([{ status: 'intact' }]);

      const again = await reports(0, ...day);
      expect(again.map(({ status }) => status)).toEqual(layers.map(() => 'unchanged'));
      expect(await data()).toEqual(before);

      await put(source('visits'), visits(1, '', ''));
      const refused = await run(...day, '--source-name', 's.visits');
      expectExit(refused, 3);
      expect(refused.stderr).toContain('[QUAL001]');
      const unchanged = ([key]: [string, string]) => key.startsWith('silver/');
      expect(Object.entries(await data()).filter(unchanged)).toEqual(
        Object.entries(before).filter(unchanged),
      );

      const part = Object.keys(before).find((key) => key.startsWith(bronzeAt('orders'))) ?? '';
      await put(part, (await textOf(part)).slice(1));
      await put(`${bronzeAt('orders')}/extra.parquet`, 'x');
      await storage.remove(aside);
      const [damaged] = await reports(3, 'verify', `${place}/bronze`, `${place}/silver`);
      const differences = damaged.details.flatMap(({ problems }: { problems: Problem[] }) =>
        problems.map(({ file, problem }) => `${problem} ${file.split('/').at(-1)}`),
      );
      expect(differences.sort()).toEqual([
        'extra extra.parquet',
        `missing ${aside.split('/').at(-1)}`,
        `size ${part.split('/').at(-1)}`,
      ]);
      expectExit(await run(...day, '--skip-bronze', '--source-name', 's.orders'), 3);
      await storage.remove(`${bronzeAt('orders')}/extra.parquet`);
      await put(source('visits'), visits(1, 2, ''));
      await reports(0, ...day);
      expect(await reports(0, 'verify', '-c', 'shop.yaml')).toMatchObject([{ status: 'intact' }]);
      await data();
      expect(await rows(silverAt('orders'), 'state_current', 'order')).toEqual(['1', '2', '3']);
    })(),
  60_000,
);

test.concurrent.each(BACKENDS)(
  'of runs that race for one partition on %s each wins whole or ends with 75, and the partition is a winner’s',
  (_name, open) =>
    scenario(async (w) => {
      const { env, place, storage } = await open(w);
      const racers = [3, 5, 7];
      const runs = racers.map(async (rows) => {
        const lines = Array.from({ length: rows }, (_, id) => [id]);
        await w.put(`${rows}.csv`, csv(['id'], ...lines));
        const options = { local_output_dir: `${place}/bronze`, max_rows_per_file: 2 };
        await w.put(`${rows}.yaml`, {
          system: 's',
          entity: 't',
          bronze: { path_pattern: `${rows}.csv`, options },
          silver: { entity_kind: 'event', natural_keys: ['id'], event_ts_column: 'id' },
        });
        const run = await runFoundry(['bronze', '-c', `${rows}.yaml`, '--date', DATE], {
          cwd: w.folder,
          env,
        });
        return { rows, run };
      });
      const ended = await Promise.all(runs);
      for (const { run } of ended) if (run.exitCode !== 75) expectExit(run, 0);
      const winners = ended.filter(({ run }) => run.exitCode === 0).map(({ rows }) => rows);
      const manifest = await storage.readBytes(`${bronzeAt('t')}/_metadata.json`);
      const { record_count: count } = JSON.parse(new TextDecoder().decode(manifest?.bytes));
      expect(winners).toContain(count);
      const verify = await runFoundry(['verify', `${place}/bronze`], { cwd: w.folder, env });
      expectExit(verify, 0);
    })(),
  60_000,
);

interface Problem {
  readonly file: string;
  readonly problem: string;
}
