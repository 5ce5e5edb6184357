import type { JoinOutputSpec } from '../config/join/spec.ts';
import type { ClassicModel } from '../config/silver/models.ts';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import type { OutputColumn } from './columns.ts';

/** Which model is built, and by which columns of the output. */
export interface ModelChoice {
  readonly requested: ClassicModel;
  readonly used: ClassicModel;
  readonly primaryKeys: readonly string[];
  readonly orderColumn: string | undefined;
  /** Why another model than the one requested is built. */
  readonly warning?: string;
}

/** What the left input's manifest declares. */
interface Declared {
  readonly primaryKeys: readonly string[];
  readonly orderColumn: string | undefined;
}

/**
 * The model that the config requests, as far as there are keys and an order for it: those of the config, else those
 * of the left input. Without them the rows are taken as they are, with a warning.
 * @throws SCHEMA001 where the config itself names a column that the output does not have.
 */
export function chooseModel(
  output: Pick<JoinOutputSpec, 'model' | 'primaryKeys' | 'orderColumn'>,
  columns: readonly OutputColumn[],
  left: Declared,
): ModelChoice {
  const names = columns.map(({ name }) => name);
  const configured = [
    ...output.primaryKeys,
    ...(output.orderColumn === undefined ? [] : [output.orderColumn]),
  ];
  const unknown = configured.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new FoundryError(
      'SCHEMA001',
      `primary_keys and order_column are columns of the output, which has no "${unknown}"${didYouMean(unknown, names)}`,
      { details: { column: unknown }, hint: `The output has: ${names.join(', ')}.` },
    );
  }
  const inOutput = (name: string): string | undefined => columns.find((column) => column.left === name)?.name;
  const declared = left.primaryKeys.map(inOutput);
  const isComplete = declared.every((name) => name !== undefined);
  const primaryKeys =
    output.primaryKeys.length > 0
      ? output.primaryKeys
      : isComplete
        ? declared.filter((name) => name !== undefined)
        : [];
  const orderColumn =
    output.orderColumn ?? (left.orderColumn === undefined ? undefined : inOutput(left.orderColumn));
  const choice = { requested: output.model, primaryKeys, orderColumn };
  if (!needsKeys(output.model) || (primaryKeys.length > 0 && orderColumn !== undefined)) {
    return { ...choice, used: output.model };
  }
  const lacking = [
    ...(primaryKeys.length === 0 ? ['primary keys'] : []),
    ...(orderColumn === undefined ? ['an order column'] : []),
  ].join(' and ');
  return {
    ...choice,
    used: 'periodic_snapshot',
    warning: `the model ${output.model} needs ${lacking}, which neither the config nor the left input gives among the columns of the output; periodic_snapshot is built instead`,
  };
}

export function needsKeys(model: ClassicModel): boolean {
  return model !== 'periodic_snapshot' && model !== 'incremental_merge';
}
