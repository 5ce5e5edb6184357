import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createPartFile, type PartFile } from '../formats/part-file.ts';
import type { SpooledPart } from '../lake/lake.ts';
import type { RawPage } from '../sources/source.ts';

/** Where a partition keeps the answers that its rows came from: no glob for data takes what lies there. */
const RAW_FOLDER = '_raw/';
const MEMBER_CHARS = 1 << 20;
const FILE_BYTES = 256 * 1024 * 1024;

/** Answers of a source, written as they come. */
export interface RawPages {
  add(page: RawPage): Promise<void>;
  close(): Promise<SpooledPart[]>;
  /** Removes them. */
  abort(): Promise<void>;
}

/**
 * JSON Lines, packed with gzip: one page a line, with `page` (from 1), `origin` and `body`, the text exactly as it
 * came. A file is closed at 256 MB.
 */
export function rawPages(spool: string): RawPages {
  const finished: SpooledPart[] = [];
  let current: { readonly file: string; readonly part: PartFile; pages: number } | undefined;
  let pages = 0;
  let buffer = '';

  const open = async () => {
    const file = join(spool, `${stemOf(finished.length + 1)}.jsonl.gz.tmp`);
    return { file, part: await createPartFile(file), pages: 0 };
  };
  /** Members of gzip one after the other are one gzip file (RFC 1952, section 2.2). */
  const flush = async (part: PartFile): Promise<void> => {
    if (buffer !== '') await part.append(gzipSync(buffer));
    buffer = '';
  };
  const finish = async (): Promise<void> => {
    if (current === undefined) return;
    const { file, part, pages: rows } = current;
    await flush(part);
    const closed = await part.close();
    const stem = stemOf(finished.length + 1);
    finished.push({ file, folder: RAW_FOLDER, stem, format: 'jsonl.gz', role: 'raw', rows, ...closed });
    current = undefined;
  };

  return {
    async add({ origin, body }) {
      current ??= await open();
      pages += 1;
      current.pages += 1;
      buffer += `${JSON.stringify({ page: pages, origin, body })}\n`;
      if (buffer.length >= MEMBER_CHARS) await flush(current.part);
      if (current.part.sizeBytes >= FILE_BYTES) await finish();
    },
    async close() {
      await finish();
      return finished;
    },
    async abort() {
      await current?.part.abort();
      const files = [...(current === undefined ? [] : [current]), ...finished].map(({ file }) => file);
      for (const file of files) await rm(file, { force: true }).catch(() => undefined);
    },
  };
}

function stemOf(n: number): string {
  return `pages-${String(n).padStart(4, '0')}`;
}
