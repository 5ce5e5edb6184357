/**
 * A process of its own that commits, for tests of races and kills.
 *
 * `race <base> <path> <tag>`: reads `open` and `commit` lines, answers `opened`, `won` or `lost`.
 * `loop <base> <path> <folder> <times>`: commits the files of `<folder>/0`, then `<folder>/1`, and so on in turn.
 */
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FoundryError } from '../core/errors.ts';
import { openPartition } from '../lake/commit.ts';
import { sha256Hex } from '../lake/generation.ts';
import type { PartitionWriter, SpooledPart } from '../lake/lake.ts';
import { partStem } from '../lake/layout.ts';
import { localStorage } from '../storage/local.ts';
import { manifestBody, NEVER_STOPPED, spoolParts } from './lake-fixtures.ts';

async function race(base: string, path: string, tag: string): Promise<void> {
  const lake = { storage: localStorage(base) };
  let writer: PartitionWriter | undefined;
  let round = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'open') {
      writer = await openPartition(lake, path, { signal: NEVER_STOPPED });
      process.stdout.write('opened\n');
    } else if (writer !== undefined) {
      round += 1;
      const texts = Array.from({ length: 3 }, () => `${tag} ${round}`);
      process.stdout.write(`${await outcomeOf(writer, await spoolParts(writer, texts))}\n`);
    }
  }
}

async function outcomeOf(writer: PartitionWriter, parts: readonly SpooledPart[]): Promise<'won' | 'lost'> {
  try {
    await writer.commit(parts, manifestBody());
    return 'won';
  } catch (error) {
    if (error instanceof FoundryError && error.code === 'LOCK001') return 'lost';
    throw error;
  } finally {
    await writer.discard();
  }
}

async function loop(base: string, path: string, folder: string, times: number): Promise<void> {
  const lake = { storage: localStorage(base) };
  const generations = (await readdir(folder)).sort();
  for (let n = 0; n < times; n += 1) {
    const writer = await openPartition(lake, path, { signal: NEVER_STOPPED });
    const from = join(folder, generations[n % generations.length]!);
    const parts: SpooledPart[] = [];
    for (const [index, name] of (await readdir(from)).sort().entries()) {
      const file = join(writer.spool, `${name}.tmp`);
      await copyFile(join(from, name), file);
      const bytes = await readFile(file);
      parts.push({
        file,
        folder: '',
        stem: partStem('full', index + 1),
        format: 'parquet',
        rows: 1,
        sizeBytes: bytes.length,
        sha256: sha256Hex(bytes),
        role: 'data',
      });
    }
    await writer.commit(parts, manifestBody());
    process.stdout.write(`${n}\n`);
  }
}

const [mode = '', base = '', path = '', argument = '', times = '0'] = process.argv.slice(2);
await (mode === 'race' ? race(base, path, argument) : loop(base, path, argument, Number(times)));
