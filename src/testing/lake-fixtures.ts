import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../lake/generation.ts';
import type { Lake, PartitionWriter, SpooledPart } from '../lake/lake.ts';
import type { ManifestBody } from '../lake/manifest.ts';
import type { Storage } from '../storage/storage.ts';

export const NEVER_STOPPED = new AbortController().signal;

export interface PartContent {
  readonly text: string | Uint8Array;
  readonly n?: number;
  readonly folder?: string;
  readonly format?: SpooledPart['format'];
  readonly role?: SpooledPart['role'];
  readonly rows?: number;
  readonly partitionValues?: SpooledPart['partitionValues'];
}

/** A finished part of any bytes: the lake never looks inside. */
export async function spoolPart(writer: PartitionWriter, content: PartContent): Promise<SpooledPart> {
  const { text, n = 1, folder = '', format = 'parquet', role = 'data', rows = 1, partitionValues } = content;
  const stem = `full-part-${String(n).padStart(4, '0')}`;
  const file = join(writer.spool, `${folder.replaceAll('/', '-')}${stem}.${format}.tmp`);
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  await writeFile(file, bytes);
  return {
    file,
    folder,
    stem,
    format,
    rows,
    sizeBytes: bytes.length,
    sha256: sha256Hex(bytes),
    role,
    ...(partitionValues === undefined ? {} : { partitionValues }),
  };
}

export function spoolParts(writer: PartitionWriter, texts: readonly string[]): Promise<SpooledPart[]> {
  return Promise.all(texts.map((text, index) => spoolPart(writer, { text, n: index + 1 })));
}

export function manifestBody(extra: Partial<ManifestBody> = {}): ManifestBody {
  return {
    layer: 'bronze',
    status: 'complete',
    started_at: '2025-01-05T09:00:00.000Z',
    run_date: '2025-01-05',
    load_pattern: 'full',
    schema: [{ name: 'id', type: 'int64' }],
    system: 's',
    table: 't',
    ...extra,
  };
}

export async function keysBelow(storage: Storage, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix))
    keys.push(key.slice(prefix === '' ? 0 : prefix.length + 1));
  return keys;
}

/** What every reader sees of a partition: names and bytes of its data files. */
export async function contentOf(lake: Lake, path: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const name of await keysBelow(lake.storage, path)) {
    if (/(?:^|\/)_/.test(name)) continue;
    const found = await lake.storage.readBytes(`${path}/${name}`);
    content[name] = new TextDecoder().decode(found?.bytes);
  }
  return content;
}
