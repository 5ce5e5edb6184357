import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const SMALL = 150_000;
const LARGE = 450_000;
/** What the garbage collector may leave lying about; a file held in memory would need several times as much. */
const ALLOWED_GROWTH = 400_000_000;
/** A short run in which garbage happens to be collected early takes less than this, and is no yardstick. */
const LEAST_GROWTH = 130_000_000;
/** After a collection only a few buffers are left; bounds of row groups once held most of the text. */
const ALLOWED_HELD = 10_000_000;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-source-memory-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const record = (i: number): string =>
  `{"id":${i},"name":"name ${i % 1000}","amount":${(i % 10_000) / 100},"text":"${String(i).padStart(60, 'x')}"}`;

const FORMATS: Readonly<Record<string, { first: string; line: (i: number) => string; last: string }>> = {
  csv: {
    first: 'id,name,amount,text\n',
    line: (i) => `${i},"name, ${i % 1000}",${(i % 10_000) / 100},${String(i).padStart(90, 'x')}\n`,
    last: '',
  },
  jsonl: { first: '', line: (i) => `${record(i)}\n`, last: '' },
  json: { first: '[{"id":0}', line: (i) => `,${record(i)}`, last: ']' },
};

function generate(extension: string, rows: number): string {
  const { first, line, last } = FORMATS[extension]!;
  const file = join(folder, `${rows}.${extension}`);
  const fd = openSync(file, 'w');
  let text = first;
  for (let i = 0; i < rows; i += 1) {
    text += line(i);
    if (text.length < 1_000_000) continue;
    writeSync(fd, text);
    text = '';
  }
  writeSync(fd, text + last);
  closeSync(fd);
  return file;
}

interface Measured {
  readonly rows: number;
  readonly growthBytes: number;
  readonly heldBytes: number;
}

async function measure(extension: string, rows: number): Promise<Measured> {
  const script = resolve(import.meta.dir, '../../testing/measure-source.ts');
  const child = Bun.spawn([process.execPath, script, generate(extension, rows), join(folder, 'part')], {
    stdout: 'pipe',
    stderr: 'inherit',
  });
  return (await new Response(child.stdout).json()) as Measured;
}

describe('landing a file three times as long needs no more than twice the memory', () => {
  for (const extension of Object.keys(FORMATS)) {
    test(extension, async () => {
      const [small, large] = [await measure(extension, SMALL), await measure(extension, LARGE)];
      expect(large.rows - small.rows).toBe(LARGE - SMALL);
      expect(large.growthBytes).toBeLessThan(ALLOWED_GROWTH);
      expect(large.growthBytes).toBeLessThan(Math.max(small.growthBytes, LEAST_GROWTH) * 2);
      expect(large.heldBytes).toBeLessThan(small.heldBytes + ALLOWED_HELD);
    }, 120_000);
  }
});
