import { isAbsolute, join } from 'node:path';
import type { IntentConfig } from '../intent/schema.ts';
import { checkFolder } from '../rules.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import {
  azureUri,
  bucketProblem,
  containerProblem,
  isRemote,
  s3Uri,
  schemeOf,
  withPrefix,
} from './location.ts';

const LAYERS = ['source', 'bronze', 'silver'] as const;
type Layer = (typeof LAYERS)[number];
type Backend = 'local' | 's3' | 'azure';

/** Names of the environment file, where a config names no bucket. */
const REFERENCES = { source: 'source_data', bronze: 'bronze_data', silver: 'silver_data' } as const;

/** Where one layer of an intent lies: the keys of its own block win over `storage`. */
interface Place {
  readonly backend: Backend;
  readonly bucket: string | undefined;
  readonly prefix: string | undefined;
}

function placeOf(config: Partly<IntentConfig>, layer: Layer): Place {
  const place = config.storage?.[layer];
  const section = layer === 'source' ? undefined : config[layer];
  const own = layer === 'source' ? config.bronze?.source_storage : section?.output_storage;
  const bucket = section?.output_bucket ?? place?.bucket;
  return {
    backend: own ?? place?.backend ?? (bucket === undefined ? 'local' : 's3'),
    bucket,
    prefix: section?.output_prefix ?? place?.prefix,
  };
}

/** The storage of one layer of an intent. */
export function backendOf(config: Partly<IntentConfig>, layer: Layer): Backend {
  return placeOf(config, layer).backend;
}

/** Reports what `storage` and the `output_*` keys beside it say twice, wrongly or to no effect. */
export function checkStorage(config: Partly<IntentConfig>, report: Report): void {
  for (const layer of LAYERS) {
    checkFolder(config.storage?.[layer]?.prefix, ['storage', layer, 'prefix'], report);
    checkBucket(config, layer, report);
  }
  for (const layer of ['bronze', 'silver'] as const) {
    const section = config[layer];
    checkFolder(section?.output_prefix, [layer, 'output_prefix'], report);
    const prefix = config.storage?.[layer]?.prefix;
    if (section?.output_prefix !== undefined && prefix !== undefined && section.output_prefix !== prefix) {
      report.warn(['storage', layer, 'prefix'], `'prefix' has no effect beside ${layer}.output_prefix`);
    }
  }
  const path = config.bronze?.path_pattern;
  if (config.storage?.source?.prefix !== undefined && path !== undefined && !takesPrefix(path)) {
    report.warn(
      ['storage', 'source', 'prefix'],
      "'prefix' has no effect on a path_pattern that is absolute or begins with ./",
    );
  }
}

function checkBucket(config: Partly<IntentConfig>, layer: Layer, report: Report): void {
  const { backend, bucket } = placeOf(config, layer);
  const own = layer === 'source' ? undefined : config[layer]?.output_bucket;
  const at: ConfigPath = own === undefined ? ['storage', layer, 'bucket'] : [layer, 'output_bucket'];
  const named = layer === 'source' ? 'source_storage' : 'output_storage';
  if (bucket === undefined) {
    if (backend !== 'azure' || isMutedBackend(layer, named, report)) return;
    report.invalid(
      ['storage', layer, 'bucket'],
      `storage.${layer} requires 'bucket': the Azure container`,
      'key',
    );
    return;
  }
  if (backend === 'local') report.warn(at, `'${at.at(-1)}' has no effect on the local backend`);
  const problem = backend === 's3' ? bucketProblem(bucket) : undefined;
  const container = backend === 'azure' ? containerProblem(bucket) : undefined;
  if (problem !== undefined || container !== undefined)
    report.invalid(at, `${report.show(at, bucket)}: ${problem ?? container}`);
}

function isMutedBackend(layer: Layer, named: string, report: Report): boolean {
  const block = layer === 'source' ? 'bronze' : layer;
  return report.isMuted(['storage', layer, 'backend']) || report.isMuted([block, named]);
}

function takesPrefix(path: string): boolean {
  return !isAbsolute(path) && !path.startsWith('./') && schemeOf(path) === undefined;
}

/** `path_pattern`, with the bucket and the prefix of the source storage before it where it takes them. */
export function sourcePath(config: IntentConfig): string {
  const path = config.bronze.path_pattern ?? '';
  const { backend, bucket, prefix } = placeOf(config, 'source');
  if (path === '' || schemeOf(path) !== undefined || path.startsWith('./')) return path;
  const below =
    prefix === undefined || prefix === '' || !takesPrefix(path) ? path : `${withSlash(prefix)}${path}`;
  if (backend === 'local' || isRemote(below)) return below;
  const inside = below.replace(/^\/+/, '');
  return backend === 's3'
    ? `s3://${bucket ?? REFERENCES.source}/${inside}`
    : `az://${bucket ?? REFERENCES.source}/${inside}`;
}

/** The base of Bronze (decision 24), with the storage's prefix joined; `storage_enabled: false` keeps it local. */
export function bronzeBase(config: IntentConfig): string {
  const options = config.bronze.options ?? {};
  const { backend, bucket, prefix } = placeOf(config, 'bronze');
  const isLocal = (options.storage_enabled ?? options.s3_enabled) === false;
  if (backend === 'local') return baseOf(options.local_output_dir, prefix, './output');
  if (isLocal) return options.local_output_dir ?? './output';
  return remoteBase(backend, bucket ?? REFERENCES.bronze, prefix);
}

/** The base of Silver (decision 24), with the storage's prefix joined. */
export function silverBase(config: IntentConfig): string {
  const { backend, bucket, prefix } = placeOf(config, 'silver');
  return backend === 'local'
    ? baseOf(config.silver.output_dir, prefix, './silver')
    : remoteBase(backend, bucket ?? REFERENCES.silver, prefix);
}

/** Where Bronze is kept beside its storage, if that is asked for. */
export function keepLocalPart(
  base: string,
  folder: string | undefined,
  run: { readonly keep_local?: boolean | undefined },
): { readonly keepLocal?: string } {
  return run.keep_local === true && isRemote(base) ? { keepLocal: folder ?? './output' } : {};
}

export function remoteBase(backend: 's3' | 'azure', bucket: string, prefix = ''): string {
  return backend === 's3' ? s3Uri(bucket, prefix) : azureUri(bucket, prefix);
}

function baseOf(folder: string | undefined, prefix: string | undefined, fallback: string): string {
  if (prefix === undefined) return folder ?? fallback;
  if (folder === undefined || isAbsolute(prefix) || isRemote(prefix)) return prefix;
  return isRemote(folder) ? withPrefix(folder, prefix) : join(folder, prefix);
}

function withSlash(prefix: string): string {
  return prefix.endsWith('/') ? prefix : `${prefix}/`;
}
