/** A column as the first rows of a source show it; values are texts, NULL is null. */
export interface SampleColumn {
  readonly name: string;
  /** As configs write types: `int64`, `decimal(10,2)`, `timestamp`. */
  readonly type: string;
  readonly values: readonly (string | null)[];
}

export interface Proposal {
  /** Columns that tell one thing from another; empty where none does. */
  readonly keys: readonly string[];
  /** Column that tells newer from older; absent where no column holds times. */
  readonly orderColumn?: string;
  readonly kind: 'state' | 'event';
}

const CHANGE = /(updat|modif|chang|effective|valid_?from|as_?of)/i;
const HAPPENED = /(event|occur|happen|creat|order|start|time|date|_at$|_ts$|^ts$)/i;
const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?$/;
const MAX_KEYS = 3;

/**
 * What a person would guess of a table from its columns' names and first rows: a key is named like one, never
 * NULL, and tells the rows apart (together with the time, where a thing has several rows).
 */
export function propose(columns: readonly SampleColumn[], entity: string): Proposal {
  const order = orderColumnOf(columns);
  const candidates = columns
    .filter((column) => column !== order && isComplete(column))
    .map((column) => ({ column, score: keyScore(column, entity) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ column }) => column);
  const kind = order !== undefined && CHANGE.test(order.name) ? 'state' : 'event';
  const keys = keysOf(candidates, order) ?? (order !== undefined && isDistinct([order]) ? [order] : []);
  return {
    keys: keys.map((column) => column.name),
    ...(order !== undefined && { orderColumn: order.name }),
    kind,
  };
}

/** Whether a column's values can say which of two rows is the newer one. */
export function isTime({ type, values }: SampleColumn): boolean {
  if (type === 'date' || type === 'timestamp' || type === 'timestamptz') return true;
  const texts = values.filter((value) => value !== null);
  return type === 'string' && texts.length > 0 && texts.every((text) => ISO.test(text));
}

/** Columns that would order the rows, were they not empty in some of them. */
export function incompleteTimes(columns: readonly SampleColumn[]): readonly string[] {
  return columns.filter((column) => isTime(column) && !isComplete(column)).map(({ name }) => name);
}

function orderColumnOf(columns: readonly SampleColumn[]): SampleColumn | undefined {
  const times = columns.filter((column) => isTime(column) && isComplete(column));
  return (
    times.find((column) => CHANGE.test(column.name)) ??
    times.find((column) => HAPPENED.test(column.name)) ??
    times[0]
  );
}

function isComplete(column: SampleColumn): boolean {
  return column.values.length > 0 && column.values.every((value) => value !== null);
}

function keyScore({ name, type, values }: SampleColumn, entity: string): number {
  const word = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const thing = entity.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  if (word === 'id' || [thing, thing.replace(/s$/, '')].some((stem) => word === `${stem}id`)) return 4;
  if (/^(uuid|guid|key|code|sku|iban|isbn)$/.test(word) || type === 'uuid') return 3;
  if (/(?:^|[_\s-])(id|key|uuid|guid|code|nr|no|number)$/i.test(name) || /[a-z](Id|Key|Code)$/.test(name))
    return 2;
  const isExact = type === 'int64' || type === 'int32' || type === 'string';
  return isExact && new Set(values).size === values.length && values.length > 1 ? 1 : 0;
}

/** The fewest of the best candidates that tell the rows apart; else the best one alone. */
function keysOf(
  candidates: readonly SampleColumn[],
  order: SampleColumn | undefined,
): readonly SampleColumn[] | undefined {
  const best = candidates.slice(0, MAX_KEYS);
  for (let count = 1; count <= best.length; count++) {
    const keys = best.slice(0, count);
    if (isDistinct(order === undefined ? keys : [...keys, order])) return keys;
  }
  return order === undefined ? undefined : best.slice(0, 1).length === 0 ? undefined : best.slice(0, 1);
}

function isDistinct(columns: readonly SampleColumn[]): boolean {
  const rows = columns[0]?.values.length ?? 0;
  const seen = new Set<string>();
  for (let row = 0; row < rows; row++) {
    seen.add(JSON.stringify(columns.map((column) => column.values[row])));
  }
  return seen.size === rows;
}
