import type { ColumnShaping, SilverSpec } from '../config/spec.ts';

/**
 * The spec with the new names of columns wherever one may be written by its old one. A name that is both the old name
 * of one column and the new name of another is the old one, except in `order`, which is about the result.
 */
export function withNewNames(spec: SilverSpec): SilverSpec {
  const { shaping, keys, orderColumn, sequenceColumn, attributes, partitioning, cdc, replacedColumns } = spec;
  if (shaping === undefined || Object.keys(shaping.renames).length === 0) return spec;
  const renamed = (name: string): string => newName(shaping, name);
  const { recordTime } = partitioning;
  const identifies = new Set([...keys, ...(orderColumn === undefined ? [] : [orderColumn])].map(renamed));
  return {
    ...spec,
    keys: keys.map(renamed),
    ...(orderColumn !== undefined && { orderColumn: renamed(orderColumn) }),
    ...(sequenceColumn !== undefined && { sequenceColumn: renamed(sequenceColumn) }),
    ...(attributes !== undefined && {
      attributes: attributes.map(renamed).filter((name) => !identifies.has(name)),
    }),
    ...(replacedColumns !== undefined && { replacedColumns: replacedColumns.map(renamed) }),
    ...(cdc !== undefined && { cdc: { ...cdc, operationColumn: renamed(cdc.operationColumn) } }),
    partitioning: {
      ...partitioning,
      columns: partitioning.columns.map(renamed),
      ...(recordTime !== undefined && { recordTime: { ...recordTime, column: renamed(recordTime.column) } }),
    },
    shaping: {
      ...shaping,
      order: shaping.order.map((name) => (isNew(shaping, name) ? name : renamed(name))),
      types: Object.fromEntries(Object.entries(shaping.types).map(([name, type]) => [renamed(name), type])),
    },
  };
}

export function newName({ renames }: ColumnShaping, name: string): string {
  return Object.hasOwn(renames, name) ? (renames[name] ?? name) : name;
}

function isNew({ renames }: ColumnShaping, name: string): boolean {
  return Object.values(renames).includes(name);
}
