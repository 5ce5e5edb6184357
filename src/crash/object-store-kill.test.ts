import { expect, test } from 'bun:test';
import { openCommitted } from '../lake/reader.ts';
import { csv, DATE, expectExit, finish, runFoundry, scenario, startFoundry } from '../scenarios/support.ts';
import type { ProxiedRequest } from '../testing/fault-proxy.ts';
import { NEVER_STOPPED } from '../testing/lake-fixtures.ts';
import { PROXIED_STORES } from '../testing/object-stores.ts';

const BRONZE = `bronze/system=s/table=t/pattern=full/dt=${DATE}`;
const SILVER = `silver/domain=s/entity=t/v1/load_date=${DATE}`;
const rows = (count: number): string =>
  csv(['id', 'at'], ...Array.from({ length: count }, (_, id) => [id, '2025-01-01']));

/** The requests of a run after which a lake is in another state than before: what is killed there has done them. */
const STEPS: readonly RegExp[] = [
  /^PUT .*\/bronze\/\.foundry\/leases\//,
  /^PUT .*\/bronze\/system=.*\.parquet/,
  /^PUT .*\/bronze\/system=.*\/_metadata\.json/,
  /^PUT .*\/bronze\/system=.*\/_checksums\.json/,
  /^PUT .*\/silver\/domain=.*\.parquet/,
  /^PUT .*\/silver\/domain=.*\/_metadata\.json/,
];

/** Whether the run is killed at this request. */
type Moment = (request: ProxiedRequest) => boolean;

/** Every request takes minutes: the soak kills at each, a test run once at each step. */
function* moments(): Generator<Moment> {
  if (process.env.FOUNDRY_SOAK === '1') for (let at = 1; ; at += 1) yield ({ n }) => n === at;
  for (const step of STEPS) yield ({ method, path }) => step.test(`${method} ${decodeURIComponent(path)}`);
}

// All at a time: each waits for its server and its runs.
test.concurrent.each(PROXIED_STORES)(
  'a run that is killed at any request to %s leaves old partitions or new ones whole, and a rerun succeeds',
  (_name, setUp) =>
    scenario(async (w) => {
      const { proxy, store } = await setUp();
      const place = store.place();
      const storage = store.open(place);
      await w.put('a.yaml', {
        system: 's',
        entity: 't',
        bronze: {
          path_pattern: 'in.csv',
          options: { local_output_dir: `${place}/bronze`, max_rows_per_file: 3 },
        },
        silver: {
          entity_kind: 'event',
          natural_keys: ['id'],
          event_ts_column: 'at',
          partition_by: [],
          output_dir: `${place}/silver`,
        },
      });
      const command = ['run-intent', '-c', 'a.yaml', '--date', DATE];
      const options = { cwd: w.folder, env: { ...store.env, AWS_EC2_METADATA_DISABLED: 'true' } };
      const committed = async (path: string): Promise<number | undefined> =>
        (await openCommitted({ storage }, path, { verify: true, spool: w.folder, signal: NEVER_STOPPED }))
          ?.manifest?.record_count;

      let [previous, next] = [7, 11];
      let kills = 0;
      await w.put('in.csv', rows(previous));
      expectExit(await runFoundry(command, options), 0);
      for (const isMoment of moments()) {
        await w.put('in.csv', rows(next));
        proxy.reset();
        let isKilled = false;
        const running = startFoundry(command, options);
        proxy.fault = (request) => {
          if (isKilled || !isMoment(request)) return undefined;
          isKilled = true;
          return { kind: 'meanwhile', work: async () => running.kill('SIGKILL') };
        };
        await finish(running);
        proxy.fault = undefined;
        const [bronze, silver] = [await committed(BRONZE), await committed(SILVER)];
        expect([previous, next]).toContainEqual(bronze ?? 0);
        expect([previous, next]).toContainEqual(silver ?? 0);
        expectExit(await runFoundry(command, options), 0);
        expect([await committed(BRONZE), await committed(SILVER)]).toEqual([next, next]);
        if (!isKilled) break;
        kills += 1;
        [previous, next] = [next, previous];
      }
      expect(kills).toBeGreaterThanOrEqual(STEPS.length);
      proxy.close();
    })(),
  600_000,
);
