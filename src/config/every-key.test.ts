import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { environmentSchema } from './environment-schema.ts';
import { parseConfig, problemsOf } from './load.ts';
import { leavesOf, withValue } from './other-values.ts';

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

const BASES = {
  classic: {
    config_version: 1,
    platform: { bronze: { storage_backend: 'local' } },
    source: { type: 'file', system: 's', table: 't', file: { path: 'x.csv' } },
    silver: {},
  },
  intent: {
    system: 's',
    entity: 't',
    bronze: { path_pattern: 'x.csv' },
    silver: { entity_kind: 'state', natural_keys: ['id'], change_ts_column: 'ts' },
  },
} as const;

const KEYED = { 'silver.model': 'scd_type_1', 'silver.primary_keys': ['id'], 'silver.order_column': 'ts' };
const OPERATION = { 'silver.cdc.operation_column': 'op' };

/** Keys that mean something only beside others, and what to set beside them. */
const BESIDE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'source.file.fieldnames': { 'source.file.has_header': false },
  'source.file.has_header': { 'source.file.fieldnames': ['a'] },
  'bronze.options.file.fieldnames': { 'bronze.options.file.has_header': false },
  'bronze.options.file.has_header': { 'bronze.options.file.fieldnames': ['a'] },
  'silver.input_mode': { 'silver.entity_kind': 'event', 'silver.event_ts_column': 'ts' },
  'silver.event_ts_column': { 'silver.entity_kind': 'event' },
  'silver.record_time_column': { 'silver.record_time_partition': 'day' },
  'silver.record_time_partition': { 'silver.record_time_column': 'at' },
  'silver.write_parquet': { 'silver.write_csv': true },
  'source.run.write_parquet': { 'source.run.write_csv': true },
  'platform.bronze.output_defaults.allow_csv': { 'source.run.write_csv': true },
  'platform.bronze.output_defaults.allow_parquet': { 'source.run.write_csv': true },
  'bronze.options.output_defaults.allow_csv': { 'bronze.options.output_formats': ['csv', 'parquet'] },
  'bronze.options.output_defaults.allow_parquet': { 'bronze.options.output_formats': ['csv', 'parquet'] },
  'silver.cdc.insert': OPERATION,
  'silver.cdc.update': OPERATION,
  'silver.cdc.delete': OPERATION,
  'silver.cdc.read': OPERATION,
  'silver.cdc.refresh': OPERATION,
};

/** Values that a key takes, where any text or list would not do. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  timezone: ['Europe/Berlin'],
  delimiter: [';'],
  quote: ["'"],
  encoding: ['latin1'],
  types: [{ a: 'int64' }],
  config_version: [2],
};

/** The keys of a JSON Schema that hold values, and not only further keys. */
function leaves(schema: JsonSchema, path: readonly string[] = []): { path: string[]; schema: JsonSchema }[] {
  const { properties } = schema;
  if (properties === undefined || Object.keys(properties).length === 0) return [{ path: [...path], schema }];
  return Object.entries(properties).flatMap(([key, child]) => leaves(child, [...path, key]));
}

function samples(schema: JsonSchema): unknown[] {
  if (schema.enum !== undefined) return [...schema.enum];
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap(samples);
  if (schema.type === 'string') return ['other'];
  if (schema.type === 'integer' || schema.type === 'number') return [2];
  if (schema.type === 'boolean') return [true, false];
  if (schema.type === 'array') return samples(schema.items ?? {}).map((item) => [item]);
  if (schema.type === 'object') return [{ other: 'other' }];
  return ['other', { other: 1 }];
}

/** What the config says, or how it is refused; a refusal of the sample itself is no effect of the key. */
function outcome(config: unknown, path: string): { readonly told: boolean; readonly shown: string } {
  const names = (other: string): boolean =>
    other === path || other.startsWith(`${path}.`) || path.startsWith(`${other}.`);
  try {
    const { datasets, warnings } = parseConfig('c.yaml', stringify(config), {});
    return { told: warnings.some((warning) => names(warning.path)), shown: JSON.stringify(datasets) };
  } catch (error) {
    const told = problemsOf(error).some(
      (problem) =>
        names(problem.path) && (problem.code === 'CFG010' || problem.message.includes('belongs in')),
    );
    return { told, shown: `refused: ${String(error)}` };
  }
}

describe.each(['classic', 'intent'] as const)('every key of the JSON Schema of %s configs', (dialect) => {
  const file = join(import.meta.dir, `../../schemas/${dialect}.schema.json`);
  const all = leaves(JSON.parse(readFileSync(file, 'utf8')) as JsonSchema);

  test('there are many', () => {
    expect(all.length).toBeGreaterThan(90);
  });

  test.each(all.map(({ path, schema }) => [path.join('.'), schema] as const))(
    '%s changes what a run does, or is told to have no effect',
    (path, schema) => {
      const isClassicDelete = path === 'silver.delete_mode' && dialect === 'classic';
      const beside = Object.entries(isClassicDelete ? KEYED : (BESIDE[path] ?? {}));
      const set = (config: unknown, key: string, value: unknown) => withValue(config, key.split('.'), value);
      const base = beside.reduce<unknown>((config, [key, value]) => set(config, key, value), BASES[dialect]);
      const before = outcome(base, path);
      const candidates = VALUES[path.split('.').at(-1) ?? ''] ?? samples(schema);
      const outcomes = candidates.map((value) => outcome(set(base, path, value), path));
      const counts = outcomes.some(
        ({ told, shown }) =>
          (told && !before.told) || (!shown.startsWith('refused') && shown !== before.shown),
      );
      if (!counts)
        throw new Error(`${path} has no effect:\n${outcomes.map(({ shown }) => shown).join('\n')}`);
    },
  );
});

test('every key of an environment file is in its JSON Schema', () => {
  const file = join(import.meta.dir, '../../schemas/environment.schema.json');
  const all = leaves(JSON.parse(readFileSync(file, 'utf8')) as JsonSchema);
  expect(all.map(({ path }) => path)).toEqual(
    leavesOf(environmentSchema).map(({ path }) => path.map(String)),
  );
});
