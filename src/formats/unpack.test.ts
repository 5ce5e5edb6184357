import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, constants as zlib, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { packingOf, unpack, withoutPacking } from './unpack.ts';
import { followZstdFrames } from './zstd-frames.ts';

const signal = new AbortController().signal;

async function unpacked(
  packed: Uint8Array,
  packing: 'gzip' | 'zstd' = 'zstd',
  pieceBytes = packed.length,
): Promise<Buffer> {
  const found: Buffer[] = [];
  for await (const chunk of unpack(pieces(packed, pieceBytes), packing, 'f', signal)) found.push(chunk);
  return Buffer.concat(found);
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += size) yield Buffer.from(bytes.subarray(from, from + size));
}

function zstd(content: string | Uint8Array, options: { checksum?: boolean; stated?: boolean } = {}): Buffer {
  return zstdCompressSync(content, {
    params: {
      [zlib.ZSTD_c_checksumFlag]: Number(options.checksum ?? false),
      [zlib.ZSTD_c_contentSizeFlag]: Number(options.stated ?? true),
    },
  });
}

function skippable(bytes: number, kind = 0): Buffer {
  const frame = Buffer.alloc(8 + bytes, 0x28);
  frame.writeUInt32LE(0x184d2a50 + kind, 0);
  frame.writeUInt32LE(bytes, 4);
  return frame;
}

const text = `a,b\n${Array.from({ length: 50_000 }, (_, i) => `${i},${(i * 7919) % 10_007}\n`).join('')}`;

test('names tell how a file is packed', () => {
  expect(['a.csv', 'a.csv.GZ', 'a.jsonl.zst', 'zst'].map(packingOf)).toEqual([
    'none',
    'gzip',
    'zstd',
    'none',
  ]);
  expect(['a.csv', 'a.csv.GZ', 'a.jsonl.zst', 'zst'].map(withoutPacking)).toEqual([
    'a.csv',
    'a.csv',
    'a.jsonl',
    'zst',
  ]);
});

describe('zstd', () => {
  test('one frame or several, skippable ones between them, however the bytes are cut', async () => {
    const frames = Buffer.concat([
      skippable(0),
      zstd(text),
      skippable(1000, 15),
      zstd('', { checksum: true }),
      zstd('x'.repeat(200_000), { stated: false, checksum: true }),
    ]);
    for (const size of [frames.length, 4096, 7]) {
      expect((await unpacked(frames, 'zstd', size)).toString()).toBe(text + 'x'.repeat(200_000));
    }
  });

  test('a file that is cut short anywhere is an error, never a shorter file', async () => {
    const frames = Buffer.concat([zstd(text, { checksum: true }), zstd('a,b\n', { stated: false })]);
    const whole = new Set([zstd(text, { checksum: true }).length]);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: frames.length - 1 }), async (bytes) => {
        if (whole.has(bytes)) return;
        await expect(unpacked(frames.subarray(0, bytes))).rejects.toThrow(
          'f ends early: its zstd data is cut short',
        );
      }),
      { numRuns: 60 },
    );
  });

  test('what follows the last frame is an error when it is no frame', async () => {
    await expect(unpacked(Buffer.concat([zstd(text), Buffer.from('a,b\n')]))).rejects.toThrow(
      'zstd data is damaged',
    );
    await expect(unpacked(Buffer.from('a,b\n1,2\n'))).rejects.toThrow('zstd data is damaged');
    await expect(unpacked(gzipSync(text))).rejects.toThrow('zstd data is damaged');
    await expect(unpacked(Buffer.alloc(0))).rejects.toThrow('ends early');
  });

  test('a changed bit gives the same content or an error where frames carry checksums', async () => {
    const frame = zstd(text.slice(0, 20_000), { checksum: true });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: frame.length * 8 - 1 }), async (bit) => {
        const changed = Buffer.from(frame);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const found = await unpacked(changed).catch((error: Error) => error);
        if (found instanceof Error)
          expect(found.message).toMatch(/^f(: the zstd data is damaged| ends early)/);
        else expect(found.toString()).toBe(text.slice(0, 20_000));
      }),
      { numRuns: 400 },
    );
  });

  test('the stated sizes of content are read in all their widths', () => {
    for (const length of [0, 255, 256, 65_791, 65_792, 70_000]) {
      const frames = followZstdFrames();
      expect(frames.push(zstd(Buffer.alloc(length, 'ab')))).toBeUndefined();
      expect(frames.finish()).toEqual({ contentBytes: BigInt(length) });
    }
  });

  test('what the zstd tool writes is read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'unpack-'));
    try {
      writeFileSync(join(folder, 'a'), text);
      for (const flags of [['-9'], ['--long=27'], ['--no-check', '-1'], ['-T2', '-3']]) {
        const packed = Bun.spawnSync(['zstd', ...flags, '-c', join(folder, 'a')]).stdout;
        const piped = Bun.spawnSync(['zstd', ...flags, '-c'], { stdin: Buffer.from(text) }).stdout;
        for (const bytes of [packed, piped])
          expect((await unpacked(bytes, 'zstd', 5000)).toString()).toBe(text);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 30_000);
});

test('1 GB out of a few bytes is unpacked in bounded memory', async () => {
  const frame = zstd(Buffer.alloc(8 * 1024 * 1024, 'a,b\n'));
  const frames = Buffer.concat(Array.from({ length: 128 }, () => frame));
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  let peak = before;
  let bytes = 0;
  for await (const chunk of unpack(pieces(frames, 1 << 20), 'zstd', 'f', signal)) {
    bytes += chunk.length;
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  expect(bytes).toBe(1024 * 1024 * 1024);
  // The process is shared with other tests: room for its collector, far less than the content.
  expect(peak - before).toBeLessThan(400_000_000);
});
