import { stat } from 'node:fs/promises';
import { normalize, resolve } from 'node:path';
import type { JoinPlace } from '../config/join/spec.ts';
import { isRemote } from '../config/storage/location.ts';
import { FoundryError } from '../core/errors.ts';
import { parseRunDate } from '../core/run-date.ts';
import { decodePartitionValue, partitionSegment } from '../lake/hive.ts';
import { joinLeaseName, TABLE } from '../lake/join-work.ts';
import type { Lake } from '../lake/lake.ts';
import { bronzeStart, silverPartitionPath } from '../lake/layout.ts';
import { expandPath } from '../sources/file/paths.ts';
import { storageOf } from '../storage/open.ts';
import { locationOf } from '../storage/storage.ts';
import type { JoinRunOptions } from './options.ts';

/** A partition of a lake: where a side lies, or where the output goes. */
export interface Located {
  readonly lake: Lake;
  /** Key of the partition. */
  readonly path: string;
  /** As a person would open it. */
  readonly location: string;
}

/**
 * The partition that a place names on a run date. A path that is not on the local disk lies in the bucket or
 * container of the platform, where there is one.
 * @param isOutput an output that is named by a path without a scheme is always local, as the original's
 * @throws EXT001 where `latest` finds no load; CFG001 for a path that names no folder; STG001.
 */
export async function locate(
  place: JoinPlace,
  options: Pick<JoinRunOptions, 'runDate' | 'signal' | 'log'>,
  isOutput = false,
): Promise<Located> {
  const { runDate } = options;
  const located = (base: string, path: string): Located => {
    const storage = storageOf(base, place, options);
    return { lake: { storage }, path, location: locationOf(storage, path) };
  };
  if (place.kind === 'path') {
    const path = expandPath(place.path, runDate);
    return located(...splitPath(isOutput ? path : await whereItIs(path, place.remote)));
  }
  const base =
    place.base === undefined ? (place.remote ?? './silver') : await whereItIs(place.base, place.remote);
  const at = (date: string): string =>
    silverPartitionPath({
      ...(place.environment !== undefined && { environment: place.environment }),
      domain: place.domain,
      entity: place.entity,
      version: place.version,
      ...(place.patternFolder !== undefined && { patternFolder: place.patternFolder }),
      loadPartitionName: place.loadPartitionName,
      date,
    });
  const { loadDate } = place;
  if (loadDate === 'run') return located(base, at(runDate.date));
  if (loadDate !== 'latest') return located(base, at(loadDate.date));
  const loads = parentOf(at(runDate.date));
  const { lake } = located(base, loads);
  const dates = (await loadDates(lake, loads, place.loadPartitionName)).filter(
    (date) => date <= runDate.date,
  );
  const latest = dates.at(-1);
  if (latest === undefined) {
    throw new FoundryError(
      'EXT001',
      `${locationOf(lake.storage, loads)} holds no load of ${runDate.date} or before`,
      { hint: 'Run `foundry silver` for it first, or name another base, domain, entity or version.' },
    );
  }
  return located(base, at(latest));
}

/** The dates of the loads below a folder, ascending. */
export async function loadDates(lake: Lake, folder: string, name: string): Promise<readonly string[]> {
  const dates = new Set<string>();
  const left = partitionSegment(name, '');
  for await (const { key } of lake.storage.list(folder)) {
    const segment = key.slice(folder.length + 1).split('/')[0] ?? '';
    if (!segment.startsWith(left)) continue;
    const date = decodePartitionValue(segment.slice(left.length));
    if (date !== null && parseRunDate(date) !== undefined) dates.add(date);
  }
  return [...dates].sort();
}

async function whereItIs(path: string, remote: string | undefined): Promise<string> {
  if (remote === undefined || isRemote(path) || path.startsWith('file:')) return path;
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined) return path;
  const inside = normalize(path).replace(/^\/+/, '');
  return inside === '.' ? remote : `${remote.replace(/\/+$/, '')}/${inside}`;
}

const REMOTE = /^([a-z][a-z0-9+.-]*:\/\/[^/]*)(.*)$/i;

/** Base and key: the base ends above the first folder that foundry's layouts consist of, else above the last one. */
function splitPath(path: string): [base: string, key: string] {
  const folder = path.replace(/\/_metadata\.json$/, '').replace(/\/+$/, '');
  const [, bucket, rest] = REMOTE.exec(folder) ?? [];
  const isRemote = bucket !== undefined && !folder.startsWith('file:');
  const whole = isRemote ? (rest ?? '') : folder.startsWith('file:') ? (rest ?? '') : resolve(folder);
  const segments = whole.split('/').filter((segment) => segment !== '');
  if (segments.length === 0) {
    throw new FoundryError('CFG001', `${JSON.stringify(path)} names no folder of a table`);
  }
  const start = layoutStart(segments);
  const base = segments.slice(0, start).join('/');
  const key = segments.slice(start).join('/');
  return [isRemote ? `${bucket}${base === '' ? '' : `/${base}`}` : `/${base}`, key];
}

function layoutStart(segments: readonly string[]): number {
  const bronze = bronzeStart(segments);
  if (bronze !== undefined && bronze < segments.length) return bronze;
  const domain = segments.findIndex((segment) => segment.startsWith('domain='));
  if (domain < 0) return segments.length - 1;
  return segments[domain - 1]?.startsWith('env=') ? domain - 1 : domain;
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Of the table, whichever load is built. */
export function joinLease({ path }: Located): string {
  return joinLeaseName(path);
}

/** The folder of all loads that share the lease of this one; undefined where there are no others. */
export function tableLocation({ lake, path }: Located): string | undefined {
  const [table] = TABLE.exec(path) ?? [];
  return table?.endsWith('/') === true ? locationOf(lake.storage, table.slice(0, -1)) : undefined;
}
