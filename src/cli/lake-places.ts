import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DatasetSpec } from '../config/spec.ts';
import { isRemote } from '../config/storage/location.ts';
import { FoundryError } from '../core/errors.ts';
import type { Lake } from '../lake/lake.ts';
import { loadDatasets } from './datasets.ts';
import type { Session } from './session.ts';

/** A folder of a lake that a command looks at. */
export interface LakePlace {
  readonly lake: Lake;
  /** Key of the folder below the lake's base; `''` is all of it. */
  readonly prefix: string;
  /** As it was named. */
  readonly name: string;
}

interface Given {
  readonly _: readonly string[];
  readonly config?: string | undefined;
  readonly 'source-name'?: string | undefined;
}

/** The folders that are named, or the tables of the datasets of `--config`. @throws USE001 when neither is. */
export async function lakePlaces(given: Given, session: Session): Promise<readonly LakePlace[]> {
  if (given.config === undefined && given._.length === 0) {
    throw new FoundryError('USE001', 'no lake is named', {
      hint: `For example: foundry ${session.command} output, or foundry ${session.command} --config orders.yaml`,
    });
  }
  const named = await Promise.all(given._.map((path) => placeAt(path, session)));
  if (given.config === undefined) return named;
  const datasets = await loadDatasets({ config: given.config, sourceName: given['source-name'] }, session);
  const tables = await Promise.all(datasets.map((spec) => tablesOf(spec, session)));
  return [...named, ...tables.flat()];
}

/**
 * A lake without anything in it has nothing to tell, but a local folder that is not there was meant to be another.
 * @throws EXT001
 */
export async function requireFolders(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (isRemote(path) || (await stat(path).catch(() => undefined)) !== undefined) continue;
    throw new FoundryError('EXT001', `there is no folder ${path}`, {
      hint: 'Name the folder of a lake, or --config for the lakes of its datasets.',
    });
  }
}

/** The base ends above the first folder of foundry's layouts: there its locks are. */
async function placeAt(path: string, session: Session): Promise<LakePlace> {
  const { storageOf } = await import('../storage/open.ts');
  const { MANIFEST_NAME } = await import('../lake/manifest.ts');
  const folder = path.replace(/\/_metadata\.json$/, '').replace(/(?<!\/)\/+$/, '');
  const segments = (isRemote(folder) ? folder : resolve(folder)).split('/');
  const start = segments.findIndex((segment) => /^(?:env|system|domain)=/.test(segment));
  const at = (count: number): LakePlace => {
    const base = segments.slice(0, count).join('/') || '/';
    return {
      lake: { storage: storageOf(base, {}, session) },
      prefix: segments.slice(count).join('/'),
      name: path,
    };
  };
  const place = at(start < 0 ? segments.length : start);
  const isPartition = place.prefix === '' && (await place.lake.storage.stat(MANIFEST_NAME)) !== undefined;
  return isPartition ? at(segments.length - 1) : place;
}

/** Bronze's table over all patterns and dates, and Silver's entity over all loads. */
async function tablesOf(spec: DatasetSpec, session: Session): Promise<LakePlace[]> {
  const { bronzeTablePath, silverPartitionPath } = await import('../lake/layout.ts');
  const { storageOf } = await import('../storage/open.ts');
  const { bronze, silver, environment } = spec;
  const where = environment === undefined ? {} : { environment };
  const table = bronzeTablePath({
    ...(bronze.pathKeys !== undefined && { keys: bronze.pathKeys }),
    ...where,
    system: bronze.system,
    table: bronze.table,
  });
  const places = [
    { lake: { storage: storageOf(bronze.base, spec, session) }, prefix: table, name: spec.name },
  ];
  if (silver === undefined) return places;
  const load = silverPartitionPath({
    ...(silver.pathKeys !== undefined && { keys: silver.pathKeys }),
    ...where,
    domain: silver.domain,
    entity: silver.entity,
    version: silver.version,
    loadPartitionName: silver.loadPartitionName,
    date: session.runDate.date,
  });
  const entity = load.slice(0, load.lastIndexOf('/'));
  return [
    ...places,
    { lake: { storage: storageOf(silver.base, spec, session) }, prefix: entity, name: spec.name },
  ];
}
