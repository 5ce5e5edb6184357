import { expect, test } from 'bun:test';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BronzeSpec, FileSourceSpec } from '../config/spec.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { engineLimits } from '../engine/limits.ts';
import { openSource } from '../sources/open.ts';
import { extract } from './extract.ts';

test('the bytes of a file that the engine declines after its scan are told once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-extract-'));
  try {
    const path = join(folder, 'in.csv');
    const lines = Array.from({ length: 200_000 }, (_, i) => `${i / 8},some longer text ${i}\n`).join('');
    // NaN is a double for the row lane, and nothing that the engine would promise.
    for (const [first, lane] of [
      ['1.5', 'engine'],
      ['NaN', 'rows'],
    ] as const) {
      await writeFile(path, `a,b\n${first},x\n${lines}`);
      const spec: FileSourceSpec = {
        type: 'file',
        path,
        configFolder: folder,
        encoding: 'utf-8',
        quote: '"',
        hasHeader: true,
        nullValues: [],
        types: { a: { kind: 'double' } },
      };
      const bronze: BronzeSpec = {
        enabled: true,
        system: 's',
        table: 't',
        source: spec,
        loadPattern: 'full',
        base: folder,
        partition: { strategy: 'date', timezone: 'UTC' },
        formats: { parquet: true, csv: false, compression: 'snappy' },
        allowEmpty: false,
      };
      let bytes = 0;
      const runDate = { date: '2025-01-01' };
      const extracted = await extract(bronze, await openSource(spec, { runDate, warn() {} }), folder, {
        runDate,
        limits: engineLimits({ memoryBytes: 300e6, threads: 1 }),
        signal: new AbortController().signal,
        clock: systemClock,
        log: silentLog,
        progress: {
          step() {},
          rows() {},
          bytes(count) {
            bytes += count;
          },
        },
      });
      expect([extracted.lane, extracted.rows]).toEqual([lane, 200_001]);
      expect(bytes).toBe((await stat(path)).size);
      for (const part of extracted.parts) await rm(part.file);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
