import { describe, expect, test } from 'bun:test';
import { appendFile, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { azureTestStore, s3TestStore, type TestStore } from '../testing/object-stores.ts';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  expectExit,
  parseDocument,
  runFoundry,
  scenario,
  type Workspace,
} from './support.ts';

const ROWS = csv(['id', 'v'], [1, 'a'], [2, 'b'], [3, 'c'], [4, 'd']);
const CONFIG = classic({ run: { max_rows_per_file: 2 } });

async function landed(w: Workspace): Promise<string[]> {
  await w.put('in.csv', ROWS);
  await w.put('a.yaml', CONFIG);
  expectExit(await w.run('bronze', '-c', 'a.yaml', '--date', DATE), 0);
  return (await readdir(w.path(BRONZE))).filter((name) => name.endsWith('.parquet')).sort();
}

describe('foundry verify', () => {
  test(
    'finds a lake that is as it was committed intact, by folder, partition, manifest and config',
    scenario(async (w) => {
      await landed(w);
      for (const args of [['output'], [BRONZE], [`${BRONZE}/_metadata.json`], ['--config', 'a.yaml']]) {
        const { document } = await w.json(0, 'verify', ...args);
        expect(document.reports).toMatchObject([{ status: 'intact', partitions: 1, damaged: 0, files: 2 }]);
      }
      const text = await w.run('verify', 'output');
      expect(text.stdout).toMatch(/^intact: 1 partition, 2 files, /);
    }),
  );

  test(
    'tells every difference at once and ends with 3: missing, extra, size, hash, checksums',
    scenario(async (w) => {
      const [first = '', second = ''] = await landed(w);
      const at = (name: string): string => w.path(BRONZE, name);
      const size = (await Bun.file(at(first)).bytes()).length;
      await writeFile(at(first), new Uint8Array(size));
      await rename(at(second), at('renamed.parquet'));
      await writeFile(at('README.md'), 'mine');
      const { document } = await w.json(3, 'verify', 'output');
      const [partition] = document.reports[0].details;
      expect(partition).toMatchObject({ status: 'damaged', notes: ['1 other files that are no data'] });
      expect(
        partition.problems.map(({ file, problem }: { file: string; problem: string }) => [file, problem]),
      ).toEqual([
        [first, 'hash'],
        [second, 'missing'],
        ['renamed.parquet', 'extra'],
      ]);
      await appendFile(at(first), 'x');
      await rename(at('renamed.parquet'), at(second));
      const sums = await w.read(`${BRONZE}/_checksums.json`);
      sums.files[0].sha256 = '0'.repeat(64);
      await writeFile(at('_checksums.json'), JSON.stringify(sums));
      const again = (await w.json(3, 'verify', BRONZE)).document.reports[0].details[0];
      expect(again.problems.map(({ problem }: { problem: string }) => problem)).toEqual([
        'size',
        'checksums',
      ]);
      await writeFile(at('_metadata.json'), '{"format_version": 1}');
      const broken = (await w.json(3, 'verify', BRONZE)).document.reports[0].details[0];
      expect(broken.problems.map(({ problem }: { problem: string }) => problem)).toEqual(['manifest']);
    }),
  );

  test(
    'tells a manifest that was lost beside its checksums, and nothing of a folder that another tool wrote',
    scenario(async (w) => {
      await landed(w);
      expectExit(await w.run('bronze', '-c', 'a.yaml', '--date', '2025-01-06'), 0);
      const sums = JSON.stringify(await w.read(`${BRONZE}/_checksums.json`));
      await rm(w.path(BRONZE, '_metadata.json'));
      // What a run that was killed left of a commit.
      await w.put('.foundry-staging-output/0/old/_checksums.json', sums);
      await w.put('output/theirs/_checksums.json', JSON.stringify({ files: [] }));
      const { document } = await w.json(3, 'verify', '.');
      const damaged = document.reports[0].details.filter(
        ({ status }: { status: string }) => status !== 'intact',
      );
      expect(damaged).toMatchObject([{ problems: [{ file: '_metadata.json', problem: 'manifest' }] }]);
      expect(damaged[0].location).toEndWith(BRONZE);
      await w.json(3, 'verify', BRONZE);
    }),
  );

  test(
    'compares the rows that a Parquet footer tells, and looks at all partitions whatever is found',
    scenario(async (w) => {
      const [first = ''] = await landed(w);
      await rm(w.path('a.yaml'));
      await w.put('a.yaml', CONFIG);
      expectExit(await w.run('bronze', '-c', 'a.yaml', '--date', '2025-01-06'), 0);
      const manifest = await w.read(`${BRONZE}/_metadata.json`);
      manifest.files[0].rows = 7;
      await writeFile(w.path(BRONZE, '_metadata.json'), JSON.stringify(manifest));
      const { document } = await w.json(3, 'verify', 'output', '--parallel', '2');
      expect(document.reports[0]).toMatchObject({ partitions: 2, damaged: 1 });
      const damaged = document.reports[0].details.find(
        ({ status }: { status: string }) => status === 'damaged',
      );
      expect(damaged.problems[0]).toMatchObject({ file: first, problem: 'rows' });
    }),
  );

  test(
    'says what to do where nothing is named, or nothing lies there',
    scenario(async (w) => {
      expectExit(await w.run('verify'), 2);
      expectExit(await w.run('verify', 'nowhere'), 4);
    }),
  );
});

describe('foundry gc', () => {
  test(
    'a folder that is not there is no clean lake: gc says so, as verify and show do',
    scenario(async (w) => {
      await landed(w);
      for (const command of [['verify'], ['show'], ['gc'], ['gc', '--delete']]) {
        const run = await w.run(...command, 'outptu');
        expectExit(run, 4);
        expect(run.stderr).toContain('outptu');
      }
    }),
  );

  test(
    'removes what no manifest lists once it is a day old, never without --delete, and nothing else',
    scenario(async (w) => {
      const parts = await landed(w);
      const leave = async (name: string, hours: number): Promise<void> => {
        const file = await w.put(`${BRONZE}/${name}`, 'left behind');
        const at = new Date(Date.now() - hours * 3_600_000);
        await utimes(file, at, at);
      };
      await leave('full-part-0009-deadbeef.parquet', 25);
      await leave('full-part-0008-deadbeef.parquet', 23);
      await leave('notes.txt', 99);
      await w.put('output/other/part-0001.parquet', 'another tool’s');
      const before = await w.snapshot('output');
      const { document } = await w.json(0, 'gc', 'output');
      expect(document.reports[0].leftovers).toMatchObject([
        { kind: 'file', key: expect.stringContaining('full-part-0009-deadbeef.parquet'), status: 'found' },
      ]);
      expect(await w.snapshot('output')).toEqual(before);
      const removed = await w.json(0, 'gc', '--config', 'a.yaml', '--delete');
      expect(removed.document.reports[0].leftovers).toMatchObject([{ status: 'removed' }]);
      expect((await readdir(w.path(BRONZE))).sort()).toEqual(
        [
          '_checksums.json',
          '_metadata.json',
          ...parts,
          'full-part-0008-deadbeef.parquet',
          'notes.txt',
        ].sort(),
      );
      expect((await w.json(0, 'gc', 'output', '--delete')).document.reports[0].leftovers).toEqual([]);
      expectExit(await w.run('gc', 'output', '--older-than', '1'), 2);
    }),
  );
});

for (const [name, makeStore] of [
  ['S3', s3TestStore],
  ['Azure', azureTestStore],
] as const) {
  describe(`on ${name}`, () => {
    const open = async (w: Workspace) => {
      const store: TestStore = await makeStore();
      const place = store.place();
      const run = (...args: string[]) =>
        runFoundry([...args], { cwd: w.folder, env: { ...store.env, AWS_EC2_METADATA_DISABLED: 'true' } });
      const json = async (exitCode: number, ...args: string[]) => {
        const done = await run(...args, '--output', 'json');
        expectExit(done, exitCode);
        return parseDocument(done);
      };
      return { store, place, run, json };
    };

    test(
      'verify and gc look at a bucket as at a folder',
      scenario(async (w) => {
        const { store, place, run, json } = await open(w);
        await w.put('in.csv', ROWS);
        await w.put('a.yaml', classic({ run: { local_output_dir: place, max_rows_per_file: 2 } }));
        expectExit(await run('bronze', '-c', 'a.yaml', '--date', DATE), 0);
        expect((await json(0, 'verify', place)).reports).toMatchObject([{ status: 'intact', files: 2 }]);
        expect((await json(0, 'verify', '-c', 'a.yaml')).reports).toMatchObject([{ files: 2 }]);
        const storage = store.open(place);
        const partition = `system=s/table=t/pattern=full/dt=${DATE}`;
        await storage.put(`${partition}/full-part-0007-deadbeef.parquet`, { bytes: new Uint8Array(3) });
        const damaged = (await json(3, 'verify', `${place}/${partition}`)).reports[0].details[0];
        expect(damaged.problems).toMatchObject([{ problem: 'extra' }]);
        // It is new: a run that is under way may have put it there.
        expect((await json(0, 'gc', place, '--delete')).reports[0].leftovers).toEqual([]);
        expect(await storage.stat(`${partition}/full-part-0007-deadbeef.parquet`)).toBeDefined();
      }),
    );

    test(
      'storage check gives each permission its verdict, leaves nothing, and says what to do',
      scenario(async (w) => {
        const { store, place, run, json } = await open(w);
        const [report] = (await json(0, 'storage', 'check', place)).reports;
        expect(
          report.verdicts.map(({ permission, verdict }: Record<string, string>) => [permission, verdict]),
        ).toEqual(
          ['connect', 'list', 'write', 'read', 'conditional_write', 'delete'].map((permission) => [
            permission,
            'ok',
          ]),
        );
        expect(await Array.fromAsync(store.open(store.uri).list(''))).toEqual([]);
        const nowhere = place.replace(/\/\/[^/]+/, '//no-such-place');
        const failed = await run('storage', 'check', nowhere);
        expectExit(failed, 5);
        expect(failed.stdout).toContain('what to do: ');
        expect(failed.stdout).toContain('not tried');
        await w.put('a.yaml', classic({ run: { local_output_dir: place } }));
        expect((await json(0, 'storage', 'check', '-c', 'a.yaml')).reports).toHaveLength(1);
      }),
    );
  });
}

test(
  'storage check looks at a local folder too, and at one that is not writable',
  scenario(async (w) => {
    const { document } = await w.json(0, 'storage', 'check', 'lake');
    expect(document.reports[0].status).toBe('ok');
    await w.put('file', 'no folder');
    expectExit(await w.run('storage', 'check', join('file', 'lake')), 5);
  }),
);
