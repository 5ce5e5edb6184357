import { heapStats } from 'bun:jsc';
import { rmSync } from 'node:fs';
import type { FileSourceSpec } from '../config/spec.ts';
import { openPart } from '../formats/open-part.ts';
import { openSource } from '../sources/open.ts';

/** Reads one file into one Parquet part in a process of its own, and prints rows, peak growth of memory, and what is held at the end. */
const [path = '', part = ''] = process.argv.slice(2);
const spec: FileSourceSpec = {
  type: 'file',
  path,
  configFolder: '.',
  encoding: 'utf-8',
  quote: '"',
  hasHeader: true,
  nullValues: [],
  types: 'text',
};

async function measure(): Promise<void> {
  const source = await openSource(spec, { runDate: { date: '2025-01-01' }, warn: () => undefined });
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  let peak = before;
  let rows = 0;
  let writer: Awaited<ReturnType<typeof openPart>> | undefined;
  for await (const batch of source.read({ signal: new AbortController().signal })) {
    writer ??= await openPart('parquet', part, batch.schema, 'snappy');
    await writer.write(batch);
    rows += batch.length;
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  await writer?.close();
  rmSync(part);
  process.stdout.write(
    JSON.stringify({ rows, growthBytes: peak - before, heldBytes: heapSize + extraMemorySize }),
  );
}

void measure();
