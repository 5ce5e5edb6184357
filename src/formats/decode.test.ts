import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { TextEncoding } from '../config/spec.ts';
import { toUtf8 } from './decode.ts';

type Other = Exclude<TextEncoding, 'utf-8'>;

async function* cut(bytes: Buffer, sizes: Iterable<number>): AsyncGenerator<Buffer> {
  let from = 0;
  for (const size of sizes) {
    if (from >= bytes.length) return;
    yield Buffer.from(bytes.subarray(from, from + size));
    from += size;
  }
}

async function decoded(bytes: Buffer, encoding: Other, sizes: Iterable<number> = [bytes.length || 1]) {
  const found: Buffer[] = [];
  for await (const chunk of toUtf8(cut(bytes, sizes), encoding, 'f')) found.push(chunk);
  for (const chunk of found) expect(chunk.toString()).not.toInclude('\ufffd');
  return Buffer.concat(found).toString();
}

const failure = (bytes: Buffer, encoding: Other, sizes?: Iterable<number>): Promise<string> =>
  decoded(bytes, encoding, sizes).then(
    () => 'read',
    (error: Error) => error.message,
  );

const le = (text: string): Buffer => Buffer.from(text, 'utf16le');
const be = (text: string): Buffer => le(text).swap16();

const text = fc.string({ unit: fc.constantFrom('a', 'é', '漢', '👩‍🚀', '😀', '\n', '\r', ',') });
const sizes = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 9 })
  .map((some) => Array.from({ length: 200 }, (_, i) => some[i % some.length] ?? 1));

describe('UTF-16', () => {
  test('of either byte order, cut anywhere, gives its text', async () => {
    await fc.assert(
      fc.asyncProperty(text, sizes, fc.boolean(), async (content, cuts, marked) => {
        const whole = `${marked ? '\ufeff' : ''}${content}`;
        expect(await decoded(le(whole), 'utf-16le', cuts)).toBe(whole);
        expect(await decoded(be(whole), 'utf-16be', cuts)).toBe(whole);
        if (!marked) return;
        expect(await decoded(le(whole), 'utf-16', cuts)).toBe(whole);
        expect(await decoded(be(whole), 'utf-16', cuts)).toBe(whole);
      }),
    );
  });

  test('half of a surrogate pair is refused on its line, however the text is cut', async () => {
    const half = fc.constantFrom('\ud83d', '\ude00', '\ude00\ud83d');
    await fc.assert(
      fc.asyncProperty(text, half, text, sizes, async (before, lone, after, cuts) => {
        const line = before.split(/\r\n|\r|\n/).length;
        const content = `${before}${lone}a${after}`;
        for (const [bytes, encoding] of [
          [le(content), 'utf-16le'],
          [be(content), 'utf-16be'],
        ] as const) {
          expect(await failure(bytes, encoding, cuts)).toBe(`f:${line}: holds half of a surrogate pair`);
        }
      }),
    );
  });

  test('a file that ends within a character is refused', async () => {
    expect(await failure(Buffer.concat([le('a\nb'), Buffer.from('c')]), 'utf-16le')).toStartWith(
      'f:2: ends within a character',
    );
    expect(await failure(le('a\r\nb\ud83d'), 'utf-16le')).toBe('f:2: ends within a surrogate pair');
    expect(await failure(be('a\ud83d'), 'utf-16be', [1, 1, 1, 1])).toBe('f:1: ends within a surrogate pair');
  });

  test('without a mark, utf-16 is refused, since it can be read two ways', async () => {
    expect(await failure(le('a'), 'utf-16')).toStartWith('f has no byte order mark');
    expect(await decoded(Buffer.alloc(0), 'utf-16')).toBe('');
  });
});

test('a mark that says another encoding than the config is refused', async () => {
  expect(await failure(be('\ufeffa'), 'utf-16le')).toStartWith(
    'f begins with the byte order mark of utf-16be',
  );
  expect(await failure(Buffer.from('\ufeffa'), 'utf-16')).toStartWith(
    'f begins with the byte order mark of utf-8',
  );
  expect(await failure(Buffer.from('\ufeffa'), 'latin1')).toStartWith(
    'f begins with the byte order mark of utf-8',
  );
  expect(await failure(le('\ufeffa'), 'windows-1252', [1, 1, 1, 1])).toStartWith(
    'f begins with the byte order mark of utf-16le',
  );
});

describe('single bytes', () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

  test('latin1 keeps every byte as the character of its number', async () => {
    expect(await decoded(all, 'latin1', [100, 100, 100])).toBe(String.fromCharCode(...all));
  });

  test('windows-1252 has its own characters from 0x80 to 0x9f, and none for five of them', async () => {
    const undefinedBytes = [0x81, 0x8d, 0x8f, 0x90, 0x9d];
    const kept = all.filter((byte) => !undefinedBytes.includes(byte));
    const found = await decoded(Buffer.from(kept), 'windows-1252');
    expect(found).toHaveLength(251);
    expect(found).toInclude('€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ');
    for (const byte of undefinedBytes) {
      expect(await failure(Buffer.from([10, 13, 10, 65, byte]), 'windows-1252', [2, 9])).toBe(
        `f:3: holds the byte 0x${byte.toString(16)}, which windows-1252 has no character for`,
      );
    }
  });
});
