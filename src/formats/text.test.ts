import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { checkText, utf8Chunks, withoutMark } from './text.ts';

async function* cut(bytes: Buffer, sizes: Iterable<number>): AsyncGenerator<Buffer> {
  let from = 0;
  for (const size of sizes) {
    if (from >= bytes.length) return;
    yield bytes.subarray(from, from + size);
    from += size;
  }
}

async function gather(chunks: AsyncIterable<Buffer>): Promise<string[]> {
  const texts: string[] = [];
  for await (const chunk of chunks) texts.push(chunk.toString());
  return texts;
}

const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 3 }));
const text = fc.string({ unit: fc.constantFrom('a', 'é', '漢', '👩‍🚀', '\n', '\ufeff') });

test('text cut anywhere comes out cut between characters, without its byte order mark', async () => {
  await fc.assert(
    fc.asyncProperty(text, sizes, async (content, cuts) => {
      const marked = Buffer.from(`\ufeff${content}`);
      expect((await gather(utf8Chunks(withoutMark(cut(marked, cuts)), 'f'))).join('')).toBe(content);
    }),
  );
});

test('a bad byte anywhere is found on its line, however the text is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      text,
      text,
      fc.constantFrom(0xff, 0xc3, 0x80, 0),
      sizes,
      async (before, after, bad, cuts) => {
        const bytes = Buffer.concat([Buffer.from(before), Buffer.from([bad]), Buffer.from(`a${after}`)]);
        const line = before.split('\n').length;
        const failed = await gather(utf8Chunks(cut(bytes, cuts), 'f')).catch((error: Error) => error.message);
        expect(failed).toStartWith(`f:${line}: holds`);
      },
    ),
  );
});

test('lines end with LF, CRLF or CR', () => {
  expect(checkText(Buffer.from('a\nb\r\nc\rd'), 10, 'f')).toBe(13);
});
