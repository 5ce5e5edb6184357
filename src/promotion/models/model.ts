import type { ArtifactName, SilverModelName, SilverSpec } from '../../config/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import type { DataType, Field, TableSchema } from '../../core/schema.ts';

/** The relation that a model's SQL reads: the kept columns, and the decision about each row. */
export const PREPARED = 'prepared';

/** Internal columns of `prepared`; models without preparation have the first two only. */
export const FILE = '"__file"';
export const ROW = '"__row"';
export const ORDER = '"__order"';
export const NEXT = '"__next"';
/** `live`, `superseded`, `tombstone`, or why the row is in no artifact: `duplicate`, `deleted`, `unchanged`. */
export const STATUS = '"__status"';
export const DELETED = '"__deleted"';
/** Only where changes are told: what happened. */
export const CHANGE = '"__change"';
/** What derived events say in columns of their own, which replace those of Bronze. */
export const CHANGE_COLUMNS: readonly string[] = ['change_type', 'changed_columns'];

/** A column that a model adds, as SQL over the relation that it reads. */
export interface AddedColumn {
  readonly field: Field;
  readonly sql: string;
  /** Columns of `prepared` that it is made of once rows are sorted, being wider than they; absent: made before. */
  readonly madeOf?: readonly string[];
}

export interface ArtifactQuery {
  readonly artifact: ArtifactName;
  /** `prepared`, or an earlier artifact of the same model, whose columns are then taken over as they are. */
  readonly from: typeof PREPARED | ArtifactName;
  readonly added: readonly AddedColumn[];
  /** Kept columns that an added one replaces. */
  readonly without: readonly string[];
  /** Which rows; absent: all. */
  readonly where?: string;
  /** Makes the rows' order total; partition columns come before it. Those of an earlier artifact keep its order. */
  readonly orderBy: readonly string[];
}

/** What the model knows about the prepared rows. */
export interface ModelColumns extends TableSchema {
  /** The order column's type after preparation; absent for models that need none. */
  readonly orderType?: DataType;
  /** Only where changes are told: the names of the attributes that changed. */
  readonly changed?: Pick<AddedColumn, 'sql' | 'madeOf'>;
}

export interface SilverModel {
  /**
   * `none`: rows as they are · `versions`: one history per key · `events`: one row per key and time · `changes`: what
   * each row of a key changed.
   */
  readonly preparation: 'none' | 'versions' | 'events' | 'changes';
  /** Pure: no I/O. @throws CFG001 for settings that contradict the model. */
  readonly artifacts: (spec: SilverSpec, columns: ModelColumns) => readonly ArtifactQuery[];
}

export type SilverModels = { readonly [K in SilverModelName]: SilverModel };

/** @throws CFG001 when the delete mode has no meaning for the model. */
export function requireDeleteMode(spec: SilverSpec, allowed: readonly SilverSpec['deleteMode'][]): void {
  if (allowed.includes(spec.deleteMode)) return;
  throw new FoundryError('CFG001', `delete_mode: ${spec.deleteMode} has no meaning for ${spec.model}`, {
    hint: `Use one of: ${allowed.join(', ')}.`,
  });
}
