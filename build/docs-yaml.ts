import { parse, stringify } from 'yaml';
import { parseConfig } from '../src/config/load.ts';
import { messageOf } from '../src/core/errors.ts';

type Mapping = { readonly [key: string]: unknown };

/** The smallest config of each dialect, which a fragment is laid over. */
const BASES = {
  intent: {
    system: 'shop',
    entity: 'orders',
    bronze: { path_pattern: 'orders.csv' },
    silver: { entity_kind: 'state', natural_keys: ['order_id'], change_ts_column: 'updated_at' },
  },
  classic: {
    platform: { bronze: { storage_backend: 'local' } },
    source: { system: 'shop', table: 'orders', file: { path: 'orders.csv' } },
    silver: { primary_keys: ['order_id'], order_column: 'updated_at' },
  },
  join: {
    silver_join: { left: { path: 'a' }, right: { path: 'b' }, output: { path: 'c' } },
  },
} as const satisfies Record<string, Mapping>;

/** `file: weather.yaml` in the first line's comment; undefined where the block is no file. */
export function fileNameOf(yaml: string): string | undefined {
  return /^# file: (\S+)$/m.exec(yaml.split('\n')[0] ?? '')?.[1];
}

/**
 * What is wrong with a YAML block as a config. A block is a whole config, or begins with
 * `# fragment of <key.path>:` (`# fragment of a classic <key.path>:`, `# fragment of a join <key.path>:`) and is laid over a minimal one there.
 */
export function yamlProblem(yaml: string, env: Readonly<Record<string, string>> = {}): string | undefined {
  try {
    parseConfig('block.yaml', whole(yaml), env);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function whole(yaml: string): string {
  const fragment = /^# fragment of (?:a (classic|join) )?([\w.]+):/.exec(yaml);
  if (fragment === null) return yaml;
  const base = BASES[(fragment[1] ?? 'intent') as keyof typeof BASES];
  const path = (fragment[2] ?? '').split('.');
  const nested = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), parse(yaml));
  return stringify(merge(base, nested));
}

function merge(base: unknown, over: unknown): unknown {
  if (!isMapping(base) || !isMapping(over)) return over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(base[key], value);
  return merged;
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
