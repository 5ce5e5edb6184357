import { FoundryError } from '../core/errors.ts';
import { parsePartitionSegment, partitionSegment } from '../lake/hive.ts';
import type { Lake } from '../lake/lake.ts';
import { MANIFEST_NAME, type Manifest, type ManifestColumn } from '../lake/manifest.ts';
import { readManifest } from '../lake/reader.ts';

/** How the columns that came in differ from those of the load before. */
export interface SchemaChanges {
  /** The load partition that they are compared with, as a key below the Silver base. */
  readonly against: string;
  readonly added: readonly string[];
  readonly missing: readonly string[];
  readonly type_changed: readonly { readonly column: string; readonly from: string; readonly to: string }[];
}

export interface EarlierLoad {
  readonly path: string;
  readonly columns: readonly ManifestColumn[];
}

/** Loads are mostly daily: so many days are looked at by name before the whole table is listed. */
const DAYS_BY_NAME = 8;
const DAY_MS = 86_400_000;

/**
 * The newest load of the same table before this one whose manifest tells what came in; a manifest that is broken is
 * passed over.
 * @param path of a load partition, `…/<name>=<date>`.
 * @throws STG001
 */
export async function earlierLoad(lake: Lake, path: string): Promise<EarlierLoad | undefined> {
  const cut = path.lastIndexOf('/') + 1;
  const own = parsePartitionSegment(path.slice(cut));
  if (own === undefined || own.value === null) return undefined;
  const { column, value: date } = own;
  const looked = new Set<string>();
  const look = async (earlier: string): Promise<EarlierLoad | undefined> => {
    looked.add(earlier);
    const at = `${path.slice(0, cut)}${partitionSegment(column, earlier)}`;
    const columns = (await manifestAt(lake, at))?.input_schema ?? [];
    return columns.length === 0 ? undefined : { path: at, columns };
  };
  for (let days = 1; days <= DAYS_BY_NAME; days += 1) {
    const found = await look(daysBefore(date, days));
    if (found !== undefined) return found;
  }
  const folder = path.slice(0, Math.max(0, cut - 1));
  for (const earlier of (await loadDates(lake, folder, column)).reverse()) {
    const found = earlier < date && !looked.has(earlier) ? await look(earlier) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Undefined where there is nothing to compare: no earlier load, or a run that knows of no columns. */
export function schemaChanges(
  before: EarlierLoad | undefined,
  now: readonly ManifestColumn[],
): SchemaChanges | undefined {
  if (before === undefined || now.length === 0) return undefined;
  const old = new Map(before.columns.map(({ name, type }) => [name, type]));
  const current = new Map(now.map(({ name, type }) => [name, type]));
  return {
    against: before.path,
    added: [...current.keys()].filter((name) => !old.has(name)),
    missing: [...old.keys()].filter((name) => !current.has(name)),
    type_changed: [...current].flatMap(([column, to]) => {
      const from = old.get(column);
      return from === undefined || from === to ? [] : [{ column, from, to }];
    }),
  };
}

/** `added b; missing c; a int64 → string`; undefined where nothing changed. */
export function describeChanges({ added, missing, type_changed }: SchemaChanges): string | undefined {
  const parts = [
    ...(added.length === 0 ? [] : [`added ${added.join(', ')}`]),
    ...(missing.length === 0 ? [] : [`missing ${missing.join(', ')}`]),
    ...type_changed.map(({ column, from, to }) => `${column} ${from} → ${to}`),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}

async function manifestAt(lake: Lake, path: string): Promise<Manifest | undefined> {
  try {
    return await readManifest(lake, path);
  } catch (error) {
    if (error instanceof FoundryError && error.code === 'STATE001') return undefined;
    throw error;
  }
}

function daysBefore(date: string, days: number): string {
  return new Date(Date.parse(date) - days * DAY_MS).toISOString().slice(0, 10);
}

/** Dates of the committed loads below a folder, ascending. */
async function loadDates({ storage }: Lake, folder: string, column: string): Promise<string[]> {
  const dates: string[] = [];
  for await (const { key } of storage.list(folder)) {
    const [segment = '', name, ...deeper] = key.slice(folder === '' ? 0 : folder.length + 1).split('/');
    if (name !== MANIFEST_NAME || deeper.length > 0) continue;
    const parsed = parsePartitionSegment(segment);
    if (parsed?.column === column && typeof parsed.value === 'string') dates.push(parsed.value);
  }
  return dates.sort();
}
