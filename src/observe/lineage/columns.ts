import type { DatasetSpec } from '../../config/spec.ts';
import type { Manifest, ManifestColumn } from '../../lake/manifest.ts';
import { type DatasetName, recordOf } from './datasets.ts';

interface InputField extends DatasetName {
  readonly field: string;
  readonly transformations: readonly {
    readonly type: 'DIRECT' | 'INDIRECT';
    readonly subtype: string;
    readonly description: string;
    readonly masking: boolean;
  }[];
}

/** The fields of the column-lineage facet. */
export interface ColumnLineage {
  readonly fields: Readonly<Record<string, { readonly inputFields: readonly InputField[] }>>;
  /** Columns that decide which rows there are, not what stands in them. */
  readonly dataset: readonly InputField[];
}

/** Bronze keeps every column as it came. */
export function bronzeColumns(columns: readonly ManifestColumn[], from: DatasetName): ColumnLineage {
  return {
    fields: Object.fromEntries(
      columns.map(({ name }) => [
        name,
        { inputFields: [direct(from, name, 'IDENTITY', 'landed as it came')] },
      ]),
    ),
    dataset: [],
  };
}

/** Columns that a history makes of the order column. */
const OF_ORDER: ReadonlySet<string> = new Set(['effective_from', 'effective_to', 'is_current']);

/**
 * Silver's columns are Bronze's under new names; validity comes of the order column; constants come of nothing. Keys
 * and order column decide which rows are kept.
 */
export function silverColumns(
  columns: readonly ManifestColumn[],
  { silver }: DatasetSpec,
  manifest: Manifest,
  from: DatasetName,
): ColumnLineage {
  const oldNames = new Map(
    Object.entries(recordOf(manifest.rename_map)).map(([old, name]) => [String(name), old]),
  );
  const inputs = new Set((manifest.input_schema ?? []).map(({ name }) => name));
  const bronzeName = (name: string): string => oldNames.get(name) ?? name;
  const order = silver?.orderColumn;
  const changes = ({ name, type }: ManifestColumn): string[] => [
    ...(bronzeName(name) === name ? [] : [`renamed from ${bronzeName(name)}`]),
    ...(silver?.shaping?.types[name] !== undefined || (name === order && type !== 'string')
      ? [`read as ${type}`]
      : []),
    ...(type === 'string' && silver?.shaping?.trimStrings === true ? ['trimmed'] : []),
    ...(type === 'string' && silver?.shaping?.emptyStringsAsNull === true ? ['NULL where empty'] : []),
  ];
  const inputFields = (column: ManifestColumn): readonly InputField[] => {
    const { name } = column;
    if (inputs.has(name)) {
      const changed = changes(column);
      const subtype = changed.length === 0 ? 'IDENTITY' : 'TRANSFORMATION';
      return [direct(from, bronzeName(name), subtype, changed.join(', ') || 'taken over')];
    }
    if (OF_ORDER.has(name) && order !== undefined) {
      return [
        direct(from, bronzeName(order), 'TRANSFORMATION', 'when a version began, ended, and is current'),
      ];
    }
    return [];
  };
  return {
    fields: Object.fromEntries(columns.map((column) => [column.name, { inputFields: inputFields(column) }])),
    dataset: [
      ...(silver?.keys ?? []).map((key) => indirect(from, bronzeName(key), 'GROUP_BY', 'rows of one key')),
      ...(order === undefined ? [] : [indirect(from, bronzeName(order), 'SORT', 'newer from older')]),
    ],
  };
}

/** What a join's own manifest says of each column: which side's columns it was made of. */
export function joinColumns(
  columns: readonly ManifestColumn[],
  manifest: Manifest,
  tableOf: (side: string) => DatasetName | undefined,
): ColumnLineage {
  const described = Array.isArray(manifest.column_lineage) ? manifest.column_lineage.map(recordOf) : [];
  const inputFields = (name: string): readonly InputField[] => {
    const of = described.find((entry) => entry.column === name);
    const origins = Array.isArray(of?.from) ? of.from.map(recordOf) : [];
    return origins.flatMap(({ side, column }) => {
      const table = tableOf(String(side));
      if (table === undefined) return [];
      const subtype = column === name && origins.length === 1 ? 'IDENTITY' : 'TRANSFORMATION';
      return [direct(table, String(column), subtype, `joined from the ${String(side)} side`)];
    });
  };
  const pairs = Array.isArray(manifest.join_key_pairs) ? manifest.join_key_pairs.map(recordOf) : [];
  return {
    fields: Object.fromEntries(columns.map(({ name }) => [name, { inputFields: inputFields(name) }])),
    dataset: pairs.flatMap((pair) =>
      ['left', 'right'].flatMap((side) => {
        const table = tableOf(side);
        return table === undefined ? [] : [indirect(table, String(pair[side]), 'JOIN', 'join key')];
      }),
    ),
  };
}

function direct(from: DatasetName, field: string, subtype: string, description: string): InputField {
  return { ...from, field, transformations: [{ type: 'DIRECT', subtype, description, masking: false }] };
}

function indirect(from: DatasetName, field: string, subtype: string, description: string): InputField {
  return { ...from, field, transformations: [{ type: 'INDIRECT', subtype, description, masking: false }] };
}
