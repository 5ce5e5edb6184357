import { isAbsolute, join } from 'node:path';
import type { IntentConfig } from './intent/schema.ts';
import { checkFolder } from './rules.ts';
import type { ConfigPath } from './yaml/problems.ts';
import type { Report } from './yaml/report.ts';
import type { Partly } from './yaml/validate.ts';

const LAYERS = ['source', 'bronze', 'silver'] as const;

/** Reports what `storage` and the `output_*` keys beside it say twice or to no effect on a local disk. */
export function checkStorage(config: Partly<IntentConfig>, report: Report): void {
  for (const layer of LAYERS) {
    const at: ConfigPath = ['storage', layer];
    const place = config.storage?.[layer];
    checkFolder(place?.prefix, [...at, 'prefix'], report);
    refuseBucket(place?.bucket, place?.backend, [...at, 'bucket'], report);
  }
  for (const layer of ['bronze', 'silver'] as const) {
    const section = config[layer];
    checkFolder(section?.output_prefix, [layer, 'output_prefix'], report);
    const backend = section?.output_storage ?? config.storage?.[layer]?.backend;
    refuseBucket(section?.output_bucket, backend, [layer, 'output_bucket'], report);
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

/** A bucket asks for S3; with `backend: local` beside it, it is only a leftover. */
function refuseBucket(
  bucket: string | undefined,
  backend: 'local' | 's3' | undefined,
  at: ConfigPath,
  report: Report,
): void {
  if (bucket === undefined) return;
  if (backend === 'local') report.warn(at, `'${at.at(-1)}' has no effect on the local backend`);
  else if (backend === undefined)
    report.later(at, `'${at.at(-1)}': S3 is not available yet; set the backend to local`);
}

function takesPrefix(path: string): boolean {
  return !isAbsolute(path) && !path.startsWith('./') && !/^[a-z][a-z0-9+.-]+:\/\//i.test(path);
}

/** `path_pattern`, with the prefix of the source storage before it where it takes one. */
export function sourcePath({ bronze, storage }: IntentConfig): string {
  const path = bronze.path_pattern ?? '';
  const prefix = storage?.source?.prefix;
  return prefix === undefined || path === '' || !takesPrefix(path) ? path : `${withSlash(prefix)}${path}`;
}

/** The base folder of Bronze (decision 24), with the storage's prefix joined. */
export function bronzeBase({ bronze, storage }: IntentConfig): string {
  return baseOf(
    bronze.options?.local_output_dir,
    bronze.output_prefix ?? storage?.bronze?.prefix,
    './output',
  );
}

/** The base folder of Silver (decision 24), with the storage's prefix joined. */
export function silverBase({ silver, storage }: IntentConfig): string {
  return baseOf(silver.output_dir, silver.output_prefix ?? storage?.silver?.prefix, './silver');
}

function baseOf(folder: string | undefined, prefix: string | undefined, fallback: string): string {
  if (prefix === undefined) return folder ?? fallback;
  return folder === undefined || isAbsolute(prefix) ? prefix : join(folder, prefix);
}

function withSlash(prefix: string): string {
  return prefix.endsWith('/') ? prefix : `${prefix}/`;
}
