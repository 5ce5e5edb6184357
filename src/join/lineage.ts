import { parseBronzePath } from '../lake/layout.ts';
import type { Manifest } from '../lake/manifest.ts';
import { readManifest } from '../lake/reader.ts';
import { openStorage } from '../storage/open.ts';
import type { OutputColumn } from './columns.ts';
import { isRecord } from './describe.ts';
import type { JoinInput } from './inputs.ts';

/** A Bronze partition that rows of an input came from, and its files where it is still the commit that was read. */
export interface BronzeOrigin {
  readonly path: string;
  readonly commit_id: string | null;
  /** `superseded`: another commit lies there now; `unreachable`: nothing can be read there. */
  readonly status: 'current' | 'superseded' | 'unreachable';
  readonly load_pattern?: string;
  readonly files?: readonly { readonly path: string; readonly rows: number; readonly sha256: string }[];
}

/** Where one column of the output comes from, down to Bronze. */
export interface ColumnLineage {
  readonly column: string;
  readonly source: 'both' | 'left' | 'right';
  /** Its name among the joined columns, and the alias it was given. */
  readonly original: string;
  readonly alias: string | null;
  readonly from: readonly ColumnOrigin[];
}

export interface ColumnOrigin {
  readonly side: 'left' | 'right';
  readonly column: string;
  readonly path: string;
  readonly artifact: string | null;
  readonly commit_id: string | null;
  /** Bronze partitions, as keys below the Bronze base. */
  readonly bronze: readonly string[];
  /** Of an input that is a join itself: what its own manifest says of the column. */
  readonly through?: readonly unknown[];
}

export function columnLineage(
  columns: readonly OutputColumn[],
  sides: { readonly left: JoinInput; readonly right: JoinInput },
): readonly ColumnLineage[] {
  return columns.map(({ alias, left, name, original, right, source }) => ({
    column: name,
    source,
    original,
    alias,
    from: [
      ...(left === undefined ? [] : [originOf(sides.left, left)]),
      ...(right === undefined ? [] : [originOf(sides.right, right)]),
    ],
  }));
}

function originOf({ artifact, manifest, path, side }: JoinInput, column: string): ColumnOrigin {
  const through = manifest?.layer === 'join' ? earlierOrigins(manifest, column) : undefined;
  return {
    side,
    column,
    path,
    artifact: artifact ?? null,
    commit_id: manifest?.commit_id ?? null,
    bronze:
      through === undefined ? bronzePaths(manifest, path) : [...new Set(through.flatMap(bronzeOf))].sort(),
    ...(through !== undefined && { through }),
  };
}

/** What an earlier join's manifest says of one of its columns. */
function earlierOrigins(manifest: Manifest, column: string): readonly unknown[] {
  const all = Array.isArray(manifest.column_lineage) ? manifest.column_lineage : [];
  const entry: unknown = all.find((item) => isRecord(item) && item.column === column);
  return isRecord(entry) && Array.isArray(entry.from) ? entry.from : [];
}

function bronzeOf(origin: unknown): readonly string[] {
  const bronze = isRecord(origin) ? origin.bronze : undefined;
  return Array.isArray(bronze) ? bronze.filter((path) => typeof path === 'string') : [];
}

function bronzePaths(manifest: Manifest | undefined, path: string): readonly string[] {
  if (manifest?.layer === 'bronze') return [path];
  return (manifest?.inputs ?? []).map((input) => input.path);
}

/** The Bronze partitions behind an input, with their files as far as they can still be read. */
export async function bronzeOrigins({
  lake,
  manifest,
  path,
  reach,
}: JoinInput): Promise<readonly BronzeOrigin[]> {
  if (manifest === undefined) return [];
  if (manifest.layer === 'bronze') return [origin(path, manifest.commit_id, manifest)];
  if (manifest.layer === 'join') return earlierBronze(manifest);
  const base = bronzeBase(manifest);
  const origins: BronzeOrigin[] = [];
  for (const input of manifest.inputs ?? []) {
    const found =
      base === undefined
        ? undefined
        : await readManifest(
            { ...lake, storage: openStorage(base, { connections: reach.connections }) },
            input.path,
          ).catch(() => undefined);
    origins.push(origin(input.path, input.commit_id, found));
  }
  return origins;
}

function origin(path: string, commit: string | null, found: Manifest | undefined): BronzeOrigin {
  if (found === undefined) return { path, commit_id: commit, status: 'unreachable' };
  if (found.commit_id !== commit) return { path, commit_id: commit, status: 'superseded' };
  return {
    path,
    commit_id: commit,
    status: 'current',
    load_pattern: found.load_pattern,
    files: found.files
      .filter(({ role }) => role === 'data')
      .map(({ path: file, rows, sha256 }) => ({ path: file, rows, sha256 })),
  };
}

function earlierBronze(manifest: Manifest): readonly BronzeOrigin[] {
  const inputs: readonly unknown[] = manifest.inputs ?? [];
  const all = inputs.flatMap((input) => (isRecord(input) && Array.isArray(input.bronze) ? input.bronze : []));
  const byPath = new Map<string, BronzeOrigin>();
  for (const item of all) if (isRecord(item)) byPath.set(String(item.path), item as unknown as BronzeOrigin);
  return [...byPath.values()];
}

/** Silver notes where Bronze was as one place, and its partitions as keys: what is before the key is the base. */
function bronzeBase(manifest: Manifest): string | undefined {
  const place = manifest.bronze_path;
  const first = manifest.inputs?.[0]?.path;
  if (typeof place !== 'string' || first === undefined) return undefined;
  const segments = first.split('/');
  for (let count = segments.length; count > 0; count -= 1) {
    const end = `/${segments.slice(0, count).join('/')}`;
    if (place.endsWith(end)) return place.slice(0, -end.length) || '/';
  }
  return parseBronzePath(place) === undefined ? undefined : place;
}
