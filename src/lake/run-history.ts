import { FoundryError, throwIfStopped } from '../core/errors.ts';
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
  readonly now: Date;
  /** Told of files that are no records. */
  readonly warn: (message: string) => void;
}

/** The newest records of a lake, the newest first. @throws STG001 */
export async function readRunHistory(
  storage: Storage,
  { limit, wanted = () => true, now, warn }: HistoryQuery,
): Promise<readonly RunRecord[]> {
  const found: RunRecord[] = [];
  if (limit === 0) return found;
  for await (const key of newestKeys(storage, now)) {
    const record = await readRecord(storage, key, warn);
    if (record !== undefined && wanted(record)) found.push(record);
    if (found.length >= limit) break;
  }
  return found;
}

const DAY_MS = 86_400_000;
/** A history of years is listed whole only where these days did not give enough. */
const DAYS_ONE_BY_ONE = 7;

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** Keys of records, the newest first, listed a day at a time: from tomorrow, because the clock of a host may be ahead. */
async function* newestKeys(storage: Storage, now: Date): AsyncGenerator<string, void> {
  const days = Array.from({ length: DAYS_ONE_BY_ONE }, (_, n) => dayOf(now.getTime() + (1 - n) * DAY_MS));
  for (const day of days) yield* await keysBelow(storage, `${RUNS_FOLDER}/${day}`);
  const listed = new Set(days);
  for (const key of await keysBelow(storage, RUNS_FOLDER)) if (!listed.has(dayOfKey(key))) yield key;
}

async function keysBelow(storage: Storage, folder: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(folder)) if (key.endsWith('.json')) keys.push(key);
  return keys.sort((a, b) => compareText(b, a));
}

const dayOfKey = (key: string): string => key.split('/')[1] ?? '';

export interface Pruned {
  readonly records: number;
  readonly days: number;
  /** The first day that is kept, UTC: `2025-01-05`. */
  readonly kept_from: string;
}

/**
 * Removes the records of whole days, of all datasets, before the last `keepDays` (today is one of them).
 * @throws STG001, INT001
 */
export async function pruneRunHistory(
  storage: Storage,
  { keepDays, now, signal }: { readonly keepDays: number; readonly now: Date; readonly signal: AbortSignal },
): Promise<Pruned> {
  const keptFrom = dayOf(now.getTime() - (keepDays - 1) * DAY_MS);
  const days = new Set<string>();
  let records = 0;
  for (const key of (await keysBelow(storage, RUNS_FOLDER)).toReversed()) {
    const day = dayOfKey(key);
    if (!/^\d{4}-\d\d-\d\d$/.test(day) || day >= keptFrom) continue;
    throwIfStopped(signal);
    await storage.remove(key);
    days.add(day);
    records += 1;
  }
  return { records, days: days.size, kept_from: keptFrom };
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
