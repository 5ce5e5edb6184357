import type { Random } from './random.ts';

export type ChangeType = 'insert' | 'update' | 'delete';

/**
 * A stream of changes in which each row can be made alone and yet fits the others: an update is of a row that an
 * earlier row inserted and none has deleted, a delete is of one that was inserted and is deleted only once.
 */
export interface ChangeStream {
  typeOf(row: number): ChangeType;
  /** The row that inserted what this row is about; itself for an insert. */
  subjectOf(row: number): number;
}

/** A delete is always of the row so many rows before it. */
const DELETE_AFTER = 3;
/** Every eighth row is an insert that stays, so that an update always finds something. */
const KEPT_EVERY = 8;
const DRAW_TYPE = 101;
const DRAW_SUBJECT = 102;

/** Shares among the rows that are free to be what they are: 70 % inserts, 25 % updates, 5 % deletes of all come out. */
const UPDATES_BELOW = 0.2857;
const DELETES_BELOW = 0.3872;

export function changeStream(random: Random, updates: boolean): ChangeStream {
  const typeOf = (row: number): ChangeType => {
    if (!updates || row % KEPT_EVERY === 0) return 'insert';
    const unit = random.unit(row, DRAW_TYPE);
    if (unit >= DELETES_BELOW) return 'insert';
    if (unit < UPDATES_BELOW) return 'update';
    const subject = row - DELETE_AFTER;
    const canGo = subject >= 0 && subject % KEPT_EVERY !== 0 && typeOf(subject) === 'insert';
    return canGo ? 'delete' : 'insert';
  };
  const isThere = (candidate: number, row: number): boolean =>
    typeOf(candidate) === 'insert' &&
    !(candidate + DELETE_AFTER < row && typeOf(candidate + DELETE_AFTER) === 'delete');
  return {
    typeOf,
    subjectOf(row) {
      const type = typeOf(row);
      if (type === 'insert') return row;
      if (type === 'delete') return row - DELETE_AFTER;
      let candidate = random.between(row, DRAW_SUBJECT, 0, row - 1);
      while (!isThere(candidate, row)) candidate -= 1;
      return candidate;
    },
  };
}
