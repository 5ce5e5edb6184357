import { type DataType, formatType } from '../core/schema.ts';
import { Secret } from '../core/secret.ts';
import { openConfig } from './load.ts';
import { leavesOf, otherValues, valueAt, withValue } from './other-values.ts';
import type { ReadConfig } from './read-config.ts';
import type { Draft } from './read-datasets.ts';
import type { DatasetSpec } from './spec.ts';
import { inEnvironment } from './storage/environment.ts';
import type { SubstitutedText } from './yaml/environment.ts';
import { type Environment, isMapping } from './yaml/environment.ts';
import { type ConfigPath, type ConfigWarning, formatPath, type Position, pathKey } from './yaml/problems.ts';

/** Where a value of a run comes from. */
export type Origin =
  | ({ readonly kind: 'file'; readonly file: string } & Position)
  /** The environment variables that were set, as the file names them at this place. */
  | ({ readonly kind: 'variable'; readonly name: string; readonly file: string } & Position)
  | { readonly kind: 'default' };

export interface ResolvedSetting {
  /** Within the spec: `silver.loadPartitionName`. */
  readonly path: string;
  /** The key of the config that says it, or that would: `silver.load_partition_name`. */
  readonly key?: string;
  /** As plain data; secrets are `***`. */
  readonly value: unknown;
  readonly origin: Origin;
}

export interface ResolvedDataset {
  readonly spec: DatasetSpec;
  readonly settings: readonly ResolvedSetting[];
}

export interface ResolvedConfig {
  readonly datasets: readonly ResolvedDataset[];
  readonly warnings: readonly ConfigWarning[];
}

const MASK = '***';
const DEFAULT: Origin = { kind: 'default' };
const SECRET_NAME = /SECRET|PASS|TOKEN|CREDENTIAL|PRIVATE|(?:API|ACCESS|ACCOUNT)_?KEY|CONN(?:ECTION)?_?STR/i;
/** Of the spec, but no settings. */
const INTERNAL = new Set([
  'configPath',
  'bronze.source.configFolder',
  'environmentFile.path',
  'environmentFile.s3.unset',
  'environmentFile.azure.unset',
]);

/**
 * The datasets of a config file as a run would see them, and for each value where it comes from.
 *
 * @throws ConfigError as `loadConfig`
 */
export async function resolveConfig(path: string, env: Environment): Promise<ResolvedConfig> {
  const { datasets, warnings, read, environments } = await openConfig(path, env);
  const mask = masking(read, env);
  const resolved = datasets.map((spec, index): ResolvedDataset => {
    const draft = read.drafts[index];
    const file = spec.environment === undefined ? undefined : environments.get(spec.environment);
    const translate = (config: unknown): DatasetSpec => {
      const made = draft?.translate(config) ?? spec;
      return file === undefined ? made : inEnvironment(made, file.spec);
    };
    const keys = draft === undefined ? new Map() : keysOf({ ...draft, translate }, spec);
    // What the environment file says of connections is shown as its own keys.
    const isRepeated = (at: ConfigPath): boolean =>
      at[0] === 'connections' && file !== undefined && keys.get(pathKey(at))?.isWritten !== true;
    const values = flatten(spec).filter(({ path: at }) => !isRepeated(at));
    const settings = values.map(({ path: at, value }): ResolvedSetting => {
      if (at[0] !== 'environmentFile' || file === undefined) {
        return settingOf(at, value, keys.get(pathKey(at)), { path, read, draft, env, mask });
      }
      const key = environmentKey(at.slice(1));
      const isWritten = valueAt(file.value, key) !== undefined;
      const origin = isWritten ? originOf(file.spec.path, file, key, env) : DEFAULT;
      return { path: formatPath(at), key: formatPath(key), value: mask(value), origin };
    });
    return { spec, settings };
  });
  return { datasets: resolved, warnings };
}

interface Context {
  readonly path: string;
  readonly read: ReadConfig;
  readonly draft: Draft | undefined;
  readonly env: Environment;
  mask(value: unknown): unknown;
}

function settingOf(
  at: ConfigPath,
  value: unknown,
  key: KeyOf | undefined,
  context: Context,
): ResolvedSetting {
  const { path, read, draft, env, mask } = context;
  const named = key === undefined ? {} : { key: formatPath(key.path) };
  if (key === undefined || draft === undefined || !key.isWritten) {
    return { path: formatPath(at), ...named, value: mask(value), origin: DEFAULT };
  }
  const origin = originOf(path, read, draft.view.rebase(key.path), env);
  return { path: formatPath(at), ...named, value: mask(value), origin };
}

interface Source {
  readonly document: Pick<ReadConfig['document'], 'locate'>;
  readonly origins: ReadonlyMap<string, SubstitutedText>;
}

function originOf(file: string, { document, origins }: Source, path: ConfigPath, env: Environment): Origin {
  const position = document.locate(path, 'value');
  const written = origins.get(pathKey(path))?.written ?? '';
  const names = variablesIn(written).filter((name) => Object.hasOwn(env, name));
  if (names.length === 0) return { kind: 'file', file, ...position };
  return { kind: 'variable', name: names.join(', '), file, ...position };
}

interface KeyOf {
  readonly path: ConfigPath;
  readonly isWritten: boolean;
}

/** Keys that one would write first, where several lead to the same value. */
const USUAL_KEYS = [
  'local_output_dir',
  'output_dir',
  'partition_strategy',
  'write_parquet',
  'parquet_compression',
];

const KIND_KEYS = new Set(['type', 'source_type']);

function isUsualKey(key: ConfigPath, leaf: ConfigPath): boolean {
  const name = String(key.at(-1));
  return USUAL_KEYS.includes(name) || snakeCase(String(leaf.at(-1))) === name;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Of each value of the spec (by `pathKey`), the key it follows from. Found by trying: what changes when a key holds
 * something else follows from it. So no list of keys has to be kept beside the translation. Of several keys, a
 * written one counts before an unwritten one, and the one that says the very value before one that plays a part.
 */
function keysOf(draft: Draft, spec: DatasetSpec): ReadonlyMap<string, KeyOf> {
  const found = new Map<string, KeyOf & { readonly rank: number }>();
  const before = flatten(spec).map(({ path, value }) => ({ path, value, key: pathKey(path) }));
  for (const { path, schema } of leavesOf(draft.schema)) {
    const current = valueAt(draft.config, path);
    const isWritten = current !== undefined;
    for (const other of otherValues(schema, current)) {
      const after = attempt(draft, withValue(draft.config, path, other));
      if (after === undefined) continue;
      for (const { path: at, value, key } of before) {
        if (same(plain(valueAt(after, at)), value)) continue;
        const isValue = same(current, value) || same([value], current);
        // Another kind of source or paging has other settings altogether, which tells nothing of these.
        if (!isValue && KIND_KEYS.has(String(path.at(-1)))) continue;
        const rank = (isWritten ? 4 : 0) + (isValue ? 2 : 0) + (isUsualKey(path, at) ? 1 : 0);
        if (rank > (found.get(key)?.rank ?? -1)) found.set(key, { path, isWritten, rank });
      }
    }
  }
  return found;
}

function attempt(draft: Draft, config: unknown): DatasetSpec | undefined {
  try {
    return draft.translate(config);
  } catch {
    return undefined;
  }
}

function same(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

interface Leaf {
  readonly path: ConfigPath;
  readonly value: unknown;
}

function isType(value: unknown): value is DataType {
  return isMapping(value) && typeof value.kind === 'string';
}

/** Types by their names. */
function plain(value: unknown): unknown {
  return isType(value) ? formatType(value) : value;
}

/** The values of a spec; lists and types stay whole. */
function flatten(value: unknown, path: ConfigPath = []): Leaf[] {
  if (INTERNAL.has(path.join('.'))) return [];
  if (!isMapping(value)) return [{ path, value }];
  if (isType(value)) return [{ path, value: plain(value) }];
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0 && path.length > 0) return [{ path, value: {} }];
  return entries.flatMap(([key, item]) => flatten(item, [...path, key]));
}

/** Hides secrets, passwords in addresses, and wherever it shows up the text of a variable that is named like a secret. */
function masking({ origins }: Source, env: Environment): (value: unknown) => unknown {
  const written = [...origins.values()].map((origin) => origin.written);
  const secrets = written.flatMap(variablesIn).flatMap((name) => {
    const text = Object.hasOwn(env, name) && SECRET_NAME.test(name) ? env[name] : undefined;
    return text === undefined || text === '' ? [] : [text];
  });
  const mask = (value: unknown): unknown => {
    if (value instanceof Secret) return MASK;
    if (Array.isArray(value)) return value.map(mask);
    if (typeof value !== 'string') return value;
    const hidden = secrets.reduce((text, secret) => text.replaceAll(secret, MASK), value);
    return hidden.replace(/(:\/\/[^/@:\s]*:)[^/@\s]+@/g, `$1${MASK}@`);
  };
  return mask;
}

function variablesIn(written: string): string[] {
  return [...written.matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name = '']) => name);
}

/** `s3.endpointUrl` of the spec is `s3.endpoint_url` of the file; names of buckets are as they are. */
function environmentKey(path: ConfigPath): ConfigPath {
  const isSetting = (index: number): boolean => index === 1 && (path[0] === 's3' || path[0] === 'azure');
  return path.map((step, index) => (isSetting(index) ? snakeCase(String(step)) : step));
}
