import { describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { csv, DATE, expectExit, intent, scenario, type Workspace } from './support.ts';

const ROWS = csv(['id', 'ts', 'v'], [1, '2025-01-01', 'a'], [1, '2025-01-02', 'b'], [2, '2025-01-01', 'c']);
const STATE = {
  entity_kind: 'state',
  natural_keys: ['id'],
  change_ts_column: 'ts',
  attributes: ['v'],
  partition_by: [],
};

async function metadata(w: Workspace, folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(w.path(folder, '_metadata.json'), 'utf8'));
}

describe('what a config says is what a run does', () => {
  test(
    'path_structure renames the folders of both layers; Silver finds Bronze there, hours and reruns included',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      const top = {
        path_structure: {
          bronze: { system_key: 'src', entity_key: 'tbl', pattern_key: 'kind', date_key: 'day' },
          silver: { domain_key: 'area', load_date_key: 'as_of' },
        },
      };
      await w.put('c.yaml', intent({ top, silver: STATE, options: { partitioning_strategy: 'hourly' } }));
      for (const hour of ['07', '09', '09']) {
        expectExit(await w.run('bronze', '--config', 'c.yaml', '--date', `${DATE}T${hour}`), 0);
      }
      const bronze = await w.files('output');
      expect(bronze.filter((name) => name.endsWith('_metadata.json'))).toEqual([
        `src=s/tbl=t/kind=full/day=${DATE}/hour=07/_metadata.json`,
        `src=s/tbl=t/kind=full/day=${DATE}/hour=09/_metadata.json`,
      ]);
      const { document } = await w.json(0, 'silver', '--config', 'c.yaml', '--date', DATE);
      const silver = await metadata(w, `silver/area=s/entity=t/v1/as_of=${DATE}`);
      expect(document.exit_code).toBe(0);
      expect(silver.inputs).toEqual([
        { path: `src=s/tbl=t/kind=full/day=${DATE}/hour=09`, commit_id: expect.any(String) },
      ]);
      const path = w.path(`output/src=s/tbl=t/kind=full/day=${DATE}/hour=07`);
      expectExit(await w.run('silver', '--config', 'c.yaml', '--bronze-path', path, '--date', DATE), 0);
    }),
  );

  test(
    'partition_by [] writes no folders, storage prefixes lead the way, and labels reach both manifests',
    scenario(async (w) => {
      await w.put('samples/in.csv', ROWS);
      const top = {
        pattern_id: 'pattern3',
        storage: {
          source: { backend: 'local', prefix: 'samples/' },
          bronze: { backend: 'local', prefix: 'lake/bronze' },
          silver: { backend: 'local', prefix: 'lake/silver' },
        },
      };
      const options = { owner_team: 'data', owner_contact: 'data@example.com' };
      const silver = { ...STATE, semantic_owner: 'sales', semantic_contact: 'sales@example.com' };
      await w.put('c.yaml', intent({ top, options, silver }));
      expectExit(await w.run('run-intent', '--config', 'c.yaml', '--date', DATE), 0);
      const partition = `lake/silver/domain=s/entity=t/v1/load_date=${DATE}`;
      expect((await w.files(partition)).filter((name) => name.includes('/'))).toEqual([]);
      expect(await metadata(w, `lake/bronze/system=s/table=t/pattern=full/dt=${DATE}`)).toMatchObject({
        pattern_id: 'pattern3',
        owner_team: 'data',
        owner_contact: 'data@example.com',
      });
      expect(await metadata(w, partition)).toMatchObject({
        pattern_id: 'pattern3',
        bronze_owner: 'data',
        bronze_owner_contact: 'data@example.com',
        silver_owner: 'sales',
        semantic_owner: 'sales',
        semantic_contact: 'sales@example.com',
      });
    }),
  );

  test(
    'an environment file is read without its secrets showing up anywhere, and need not be complete on a local disk',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('environments/dev.yaml', {
        name: 'dev',
        s3: { secret_access_key: 'plain-secret', access_key_id: '${NOT_SET}' },
      });
      await w.put('configs/c.yaml', intent({ top: { environment: 'dev' }, silver: STATE }));
      const run = await w.run('run-intent', '--config', 'configs/c.yaml', '--date', DATE);
      expectExit(run, 0);
      expect(run.stderr).toContain('NOT_SET is not set');
      expect(run.stdout + run.stderr).not.toContain('plain-secret');
      const found = await metadata(w, `output/env=dev/system=s/table=t/pattern=full/dt=${DATE}`);
      expect(JSON.stringify(found)).not.toContain('plain-secret');
    }),
  );
});
