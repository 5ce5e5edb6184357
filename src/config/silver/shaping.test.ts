import { describe, expect, test } from 'bun:test';
import { parseConfig } from '../load.ts';

const CLASSIC = `config_version: 1
platform: {bronze: {storage_backend: local}}
source: {system: s, table: t, file: {path: x.csv}}
`;
const INTENT = `config_version: 1
system: s
entity: t
bronze: {path_pattern: x.csv}
silver:
  entity_kind: state
  natural_keys: [id]
  change_ts_column: ts
`;

function load(text: string) {
  const { datasets, warnings } = parseConfig('c.yaml', text, {});
  return { silver: datasets[0]?.silver, warnings: warnings.map((warning) => warning.path) };
}

function refusal(text: string): string {
  try {
    parseConfig('c.yaml', text, {});
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return 'accepted';
}

describe('the shaping of columns', () => {
  const keys = `schema: {rename_map: {old: new}, column_order: [new], types: {n: int}}, normalization: {trim_strings: true}`;

  test('is read alike from both dialects', () => {
    const expected = {
      renames: { old: 'new' },
      order: ['new'],
      types: { n: { kind: 'int64' } },
      trimStrings: true,
      emptyStringsAsNull: false,
    } as const;
    expect(load(`${CLASSIC}silver: {${keys}}`).silver?.shaping).toEqual(expected);
    expect(load(`${INTENT}  ${keys.replace('}, normal', '}\n  normal')}`).silver?.shaping).toEqual(expected);
    expect(load(`${CLASSIC}silver: {types: {n: int}}`).silver?.shaping?.types).toEqual(expected.types);
  });

  test('is absent where nothing is to be done', () => {
    const idle = `${CLASSIC}silver: {schema: {rename_map: {}}, normalization: {trim_strings: false}}`;
    expect(load(idle).silver).not.toHaveProperty('shaping');
  });

  test('is refused where it contradicts itself, by key', () => {
    const classic = (silver: string) => refusal(`${CLASSIC}silver: {${silver}}`);
    expect(classic('schema: {rename_map: {a: c, b: c}}')).toContain(
      'silver.schema.rename_map.b: a is renamed to "c" too',
    );
    expect(classic('schema: {rename_map: {a: ""}}')).toContain('must not be empty');
    expect(classic('schema: {rename_map: {a: "b\\0"}}')).toContain('NUL');
    expect(classic('schema: {column_order: [a, a]}')).toContain('stands twice');
    expect(classic('types: {a: strng}')).toContain('did you mean');
    expect(classic('types: {n: int, price: decimal(12,4)}')).toContain(
      'silver.types.price: "decimal(12" is cut off, since a comma ends a value in braces: write the type in quotes, as "decimal(10,2)"',
    );
    expect(classic('schema: {types: {a: money}}')).toContain('silver.schema.types.a');
    expect(classic('types: {a: int}, schema: {types: {a: int}}')).toContain('keep one of them');
    expect(classic('normalization: {trim: true}')).toContain('silver.normalization.trim');
  });
});

describe('new_columns', () => {
  test('keeps columns that are not declared, and has no effect where every column is or must be declared', () => {
    const open = load(`${INTENT}  schema_mode: allow_new_columns\n  new_columns: keep`);
    expect([open.silver?.keepNewColumns, open.warnings]).toEqual([true, []]);
    const dropping = load(`${INTENT}  schema_mode: allow_new_columns\n  new_columns: drop`);
    expect(dropping.silver).not.toHaveProperty('keepNewColumns');
    expect(load(`${INTENT}  new_columns: keep`).warnings).toEqual(['silver.new_columns']);
    expect(load(`${CLASSIC}silver: {new_columns: keep}`).warnings).toEqual(['silver.new_columns']);
  });
});
