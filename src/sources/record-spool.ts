import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { FoundryError, messageOf } from '../core/errors.ts';
import type { RecordBlock } from './json-rows.ts';

const FRAME_CHARS = 1 << 20;
/** The fastest: what is kept here is read once at most. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Records in the order in which they were added, compressed, for a second reading. */
export interface RecordSpool {
  add(block: RecordBlock): Promise<void>;
  /** All blocks, any number of times; nothing may be added after the first. */
  read(): AsyncGenerator<RecordBlock>;
  close(): Promise<void>;
}

/** @param folder where the file is made; absent: kept in memory. @throws STG001 when it cannot be written or read. */
export function recordSpool(folder: string | undefined): RecordSpool {
  let pending: RecordBlock[] = [];
  let pendingChars = 0;
  const frames = folder === undefined ? memoryFrames() : fileFrames(folder);
  const flush = async (): Promise<void> => {
    const packed = pending.map(packBlock).join(BETWEEN_BLOCKS);
    pending = [];
    pendingChars = 0;
    await frames.add(await compress(packed, LEVEL));
  };
  return {
    async add(block) {
      pending.push(block);
      for (const { text } of block.texts) pendingChars += text.length;
      if (pendingChars >= FRAME_CHARS) await flush();
    },
    async *read() {
      if (pending.length > 0) await flush();
      for await (const frame of frames.read()) {
        yield* (await decompress(frame)).toString().split(BETWEEN_BLOCKS).map(unpackBlock);
      }
    },
    close: () => frames.close(),
  };
}

/** What no JSON text holds: within strings it stands escaped, and beside them it is no blank. */
const BETWEEN_BLOCKS = '\u001d';
const BETWEEN_TEXTS = '\u001e';

function packBlock({ origin, texts }: RecordBlock): string {
  const head = JSON.stringify([origin, texts.map(({ line }) => line)]);
  return [head, ...texts.map(({ text }) => text)].join(BETWEEN_TEXTS);
}

function unpackBlock(packed: string): RecordBlock {
  const [head = '', ...texts] = packed.split(BETWEEN_TEXTS);
  const [origin, lines] = JSON.parse(head) as [string, number[]];
  return { origin, texts: texts.map((text, index) => ({ text, line: lines[index] ?? 0 })) };
}

interface Frames {
  add(frame: Uint8Array): Promise<void>;
  read(): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

function memoryFrames(): Frames {
  const frames: Uint8Array[] = [];
  return {
    async add(frame) {
      frames.push(frame);
    },
    async *read() {
      yield* frames;
    },
    async close() {
      frames.length = 0;
    },
  };
}

function fileFrames(folder: string): Frames {
  const file = join(folder, 'records.tmp');
  const failed = (error: unknown): FoundryError =>
    new FoundryError('STG001', `${file} could not be written or read: ${messageOf(error)}`, { cause: error });
  const lengths: number[] = [];
  let opened: ReturnType<typeof open> | undefined;
  const handle = () => {
    opened ??= mkdir(folder, { recursive: true }).then(() => open(file, 'w+'));
    return opened;
  };
  return {
    async add(frame) {
      try {
        const found = await handle();
        await found.writeFile(frame);
      } catch (error) {
        throw failed(error);
      }
      lengths.push(frame.length);
    },
    async *read() {
      let position = 0;
      for (const length of lengths) {
        const frame = Buffer.alloc(length);
        try {
          const found = await handle();
          const { bytesRead } = await found.read(frame, 0, length, position);
          if (bytesRead !== length) throw new Error('it is shorter than what was written');
        } catch (error) {
          throw failed(error);
        }
        position += length;
        yield frame;
      }
    },
    async close() {
      await opened?.then((found) => found.close()).catch(() => undefined);
      opened = undefined;
      lengths.length = 0;
      await rm(file, { force: true }).catch(() => undefined);
    },
  };
}
