import { FoundryError } from '../core/errors.ts';
import { maskedJson } from '../core/secret.ts';
import type { Storage } from '../storage/storage.ts';
import { compareText } from './layout.ts';
import { parseRunRecord, RUNS_FOLDER, type RunRecord } from './run-record.ts';

/**
 * Writes a record: one file a step, begun with its start and replaced at its end, its name sorted by time:
 * `_runs/2026-01-05/20260105T061500.123Z-<run id>-bronze-shop.orders.json`.
 * @throws STG001
 */
export async function writeRunRecord(storage: Storage, record: RunRecord): Promise<string> {
  const stamp = record.started_at.replace(/[-:]/g, '');
  const dataset = record.dataset.replace(/[^\w.-]+/g, '-').slice(0, 80);
  const name = `${stamp}-${record.run_id}-${record.layer}-${dataset}.json`;
  const key = `${RUNS_FOLDER}/${record.started_at.slice(0, 10)}/${name}`;
  await storage.put(key, { bytes: Buffer.from(`${maskedJson(record, 2)}\n`) });
  return key;
}

export interface HistoryQuery {
  readonly limit: number;
  readonly wanted?: (record: RunRecord) => boolean;
  /** Told of files that are no records. */
  readonly warn: (message: string) => void;
}

/** The newest records of a lake, the newest first. @throws STG001 */
export async function readRunHistory(
  storage: Storage,
  { limit, wanted = () => true, warn }: HistoryQuery,
): Promise<readonly RunRecord[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(RUNS_FOLDER)) if (key.endsWith('.json')) keys.push(key);
  keys.sort((a, b) => compareText(b, a));
  const found: RunRecord[] = [];
  for (const key of keys) {
    if (found.length >= limit) break;
    const record = await readRecord(storage, key, warn);
    if (record !== undefined && wanted(record)) found.push(record);
  }
  return found;
}

async function readRecord(
  storage: Storage,
  key: string,
  warn: (message: string) => void,
): Promise<RunRecord | undefined> {
  const object = await storage.readBytes(key);
  if (object === undefined) return undefined;
  try {
    return parseRunRecord(object.bytes, `${storage.description}/${key}`);
  } catch (error) {
    if (!(error instanceof FoundryError) || error.code !== 'STATE001') throw error;
    warn(error.message);
    return undefined;
  }
}
