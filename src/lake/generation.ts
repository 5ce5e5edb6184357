import { createHash, randomUUID } from 'node:crypto';
import { BUILD_INFO } from '../core/build-info.ts';
import type { Clock } from '../core/clock.ts';
import { isSafeKey } from '../storage/keys.ts';
import type { SpooledPart } from './lake.ts';
import { MANIFEST_NAME, type Manifest, type ManifestBody, type ManifestFile } from './manifest.ts';

/** What one commit puts in the place of the generation before it; nothing is written yet. */
export interface Generation {
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
  readonly checksumsBytes: Uint8Array;
  /** Parts under their final names, in the order of `manifest.files`. */
  readonly parts: readonly { readonly file: ManifestFile; readonly source: string }[];
  /** Whether the files differ from those of the previous manifest. */
  readonly changed: boolean;
}

/** @param damaged names that are held by other bytes than they should, and that no part must have. */
export function planGeneration(
  previous: Manifest | undefined,
  parts: readonly SpooledPart[],
  body: ManifestBody,
  clock: Clock,
  damaged: readonly string[],
): Generation {
  const name = partNamer(previous?.files ?? [], damaged);
  const named = parts.map((part) => ({ file: manifestFile(part, name(part)), source: part.file }));
  const files = named.map(({ file }) => file);
  refuseRepeatedPaths(files);
  const { layer, status, started_at, run_date, load_pattern, schema, ...extra } = body;
  const manifest: Manifest = {
    format_version: 1,
    layer,
    commit_id: randomUUID(),
    status,
    timestamp: microsecondsIso(clock.now()),
    started_at,
    run_date,
    ...totals(parts),
    load_pattern,
    ...extra,
    tool: { name: 'foundry', version: BUILD_INFO.version, commit: BUILD_INFO.commit },
    schema,
    files,
  };
  const manifestBytes = jsonBytes(manifest);
  return {
    manifest,
    manifestBytes,
    checksumsBytes: jsonBytes(checksums(manifest, manifestBytes)),
    parts: named,
    changed: previous === undefined || fileList(previous.files) !== fileList(files),
  };
}

/**
 * `<stem>-<hash8>.<format>`. The hash covers the file list that is being replaced, so a superseded name never comes
 * back with other bytes; a part equal to one of that list keeps its name.
 */
function partNamer(
  replaced: readonly ManifestFile[],
  damaged: readonly string[],
): (part: SpooledPart) => string {
  const list = fileList(replaced);
  const sound = replaced.filter(({ path }) => !damaged.includes(path));
  const bySha = Map.groupBy(sound, ({ sha256 }) => sha256);
  return (part) => {
    const prefix = `${part.folder}${part.stem}-`;
    const kept = bySha
      .get(part.sha256)
      ?.find(
        ({ path }) => path.startsWith(prefix) && /^[0-9a-f]{8}$/.test(hashOf(path, prefix, part.format)),
      );
    if (kept !== undefined) return kept.path;
    const named = (text: string): string => `${prefix}${sha256Hex(text).slice(0, 8)}.${part.format}`;
    const name = named(`${list}${part.sha256}`);
    return damaged.includes(name) ? named(`${list}${part.sha256}\0beside it`) : name;
  };
}

function hashOf(path: string, prefix: string, format: string): string {
  return path.endsWith(`.${format}`) ? path.slice(prefix.length, -format.length - 1) : '';
}

function fileList(files: readonly ManifestFile[]): string {
  return files
    .map(({ path, sha256 }) => `${path}\0${sha256}\n`)
    .sort()
    .join('');
}

function manifestFile(part: SpooledPart, path: string): ManifestFile {
  if (!isSafeKey(path) || (part.folder !== '' && !part.folder.endsWith('/'))) {
    throw new Error(`a part has no valid place in its partition: ${JSON.stringify(path)}`);
  }
  return {
    path,
    format: part.format,
    size_bytes: part.sizeBytes,
    rows: part.rows,
    sha256: part.sha256,
    role: part.role,
    ...(part.artifact === undefined ? {} : { artifact: part.artifact }),
    ...(part.partitionValues === undefined ? {} : { partition_values: part.partitionValues }),
  };
}

function refuseRepeatedPaths(files: readonly ManifestFile[]): void {
  const paths = new Set<string>();
  for (const { path } of files) {
    if (paths.has(path)) throw new Error(`two parts of one commit have the same name: ${path}`);
    paths.add(path);
  }
}

/** Data rows and parts; a part written in two formats counts once. */
function totals(parts: readonly SpooledPart[]): Pick<Manifest, 'record_count' | 'chunk_count'> {
  const rows = new Map<string, number>();
  for (const part of parts) if (part.role === 'data') rows.set(`${part.folder}${part.stem}`, part.rows);
  return {
    record_count: [...rows.values()].reduce((sum, count) => sum + count, 0),
    chunk_count: rows.size,
  };
}

/** Extras of a manifest that its checksums repeat, as the original's did. */
const REPEATED = ['system', 'table', 'domain', 'entity', 'version', 'bronze_path'] as const;

/** `_checksums.json`, derived from a manifest and its bytes. */
export function checksums(manifest: Manifest, manifestBytes: Uint8Array): object {
  return {
    timestamp: manifest.timestamp,
    load_pattern: manifest.load_pattern,
    commit_id: manifest.commit_id,
    files: [
      ...manifest.files.map(({ path, size_bytes, sha256 }) => ({ path, size_bytes, sha256 })),
      { path: MANIFEST_NAME, size_bytes: manifestBytes.length, sha256: sha256Hex(manifestBytes) },
    ],
    ...Object.fromEntries(
      REPEATED.filter((key) => manifest[key] !== undefined).map((key) => [key, manifest[key]]),
    ),
    run_date: manifest.run_date,
    config_name: manifest.config_name ?? null,
    schema: manifest.schema.map(({ name, type }) => ({ name, dtype: type })),
    stats: {
      record_count: manifest.record_count,
      chunk_count: manifest.chunk_count,
      artifact_count: manifest.files.length + 1,
    },
  };
}

export function jsonBytes(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

export function sha256Hex(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** `2025-01-05T09:30:00.123000Z`, the original's form. */
function microsecondsIso(instant: Date): string {
  return instant.toISOString().replace('Z', '000Z');
}
