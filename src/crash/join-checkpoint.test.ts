import { expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import {
  csv,
  DATE,
  expectExit,
  finish,
  parseDocument,
  runFoundry,
  scenario,
  startFoundry,
} from '../scenarios/support.ts';
import { PROXIED_STORES } from '../testing/object-stores.ts';

const SILVER = { entity_kind: 'state', history_mode: 'scd1', natural_keys: ['id'], change_ts_column: 'at' };
const ROWS = csv(['id', 'at'], ...[1, 2, 3, 4].map((id) => [id, '2025-01-01']));

test.concurrent.each(PROXIED_STORES)(
  'a join whose checkpoint is on %s goes on, on another host, where one was killed, and leaves no checkpoint',
  (_name, setUp) =>
    scenario(async (w) => {
      const { proxy, store } = await setUp();
      const place = store.place();
      const dataset = (entity: string): object => ({
        system: 's',
        entity,
        bronze: { path_pattern: 'in.csv' },
        silver: { ...SILVER, partition_by: [] },
      });
      await w.put('in.csv', ROWS);
      await w.put('sides.yaml', { datasets: [dataset('l'), dataset('r')] });
      expectExit(await w.run('run-intent', '-c', 'sides.yaml', '--date', DATE), 0);
      const join = (checkpoint: string, output: string): object => ({
        platform: { bronze: { storage_backend: 'local' } },
        silver_join: {
          left: { domain: 's', entity: 'l' },
          right: { domain: 's', entity: 'r' },
          output: { path: output, join_keys: ['id'], chunk_size: 1, checkpoint_dir: checkpoint },
        },
      });
      await w.put('join.yaml', join(`${place}/work`, `${place}/joined`));
      /** Hosts share nothing but the store and the inputs. */
      const host = async (name: string) => {
        await mkdir(w.path(name));
        const env = { ...store.env, AWS_EC2_METADATA_DISABLED: 'true', TMPDIR: w.path(name) };
        return { cwd: w.folder, env };
      };
      const args = ['join', '-c', 'join.yaml', '--date', DATE, '--output', 'json'];
      const running = startFoundry(args, await host('first'));
      proxy.fault = ({ method, path }) =>
        method === 'PUT' && path.includes('chunk-0003')
          ? { kind: 'meanwhile', work: async () => running.kill('SIGKILL') }
          : undefined;
      await finish(running);
      proxy.fault = undefined;
      const kept = async () => Array.fromAsync(store.open(`${place}/work`).list(''), ({ key }) => key);
      expect(await kept()).toContainEqual(expect.stringMatching(/^join-\w{16}\/chunk-0002\.parquet$/));

      await w.put('other.yaml', join(`${place}/work`, `${place}/elsewhere`));
      const refused = await runFoundry(['join', '-c', 'other.yaml', '--date', DATE], await host('third'));
      expectExit(refused, 2);
      expect(refused.stderr).toContain(`${place}/work/progress.json is the progress of another join`);

      const resumed = await runFoundry(args, await host('second'));
      expectExit(resumed, 0);
      expect(resumed.stderr).toContain('going on with an earlier run: 2 of 4 chunks are done');
      expect(parseDocument(resumed).reports[0]).toMatchObject({ resumed_at_chunk: 2, rows: 4 });
      expect(await kept()).toEqual([]);
      proxy.close();
    })(),
  60_000,
);
