import { calendarFrom, hourly, previousChange, VERSION_DAYS } from './days.ts';
import { columns, orderId, type SamplePart } from './part.ts';
import type { SampleSizes } from './patterns.ts';
import { randomOf } from './random.ts';

const COLUMNS = [
  'order_id',
  'customer_id',
  'status',
  'effective_start',
  'effective_end',
  'current_flag:int64',
  'updated_at',
  'run_date',
];
const STATUSES = ['new', 'processing', 'shipped', 'delivered', 'returned'] as const;
const SECOND_PART_ROWS = 150;
const HISTORY_GROWTH = 80;
const CURRENT_GROWTH = 40;
/** Most of the skewed rows are of so many orders. */
const HOT_ORDERS = 3;
const SKEWED_DAYS_AGO = 400;

/**
 * Pattern 3: older versions, then the current one of each order; the last row has no order_id. Day 1 has a second
 * part with one more column, nearly all of whose rows are of the same three orders.
 */
export function stateParts(day: number, seed: number, sizes: SampleSizes): SamplePart[] {
  const random = randomOf(seed);
  const current = sizes.currentRows + CURRENT_GROWTH * day;
  const history = sizes.historyRows + HISTORY_GROWTH * day;
  const calendar = calendarFrom(sizes.startDate);
  const version = (order: number, from: string, to: string | null, started: number): readonly unknown[] => [
    orderId(order + 1),
    `CUST-${random.between(order, 0, 1000, 9999)}`,
    random.pick(order, (started + 10_000) * 4 + 1, STATUSES),
    from,
    to,
    to === null ? 1n : 0n,
    from,
    calendar.date(day),
  ];
  /** `age` 0 is the current version, 1 the one before it. */
  const aged = (order: number, age: number): readonly unknown[] => {
    const started = previousChange(order, day) - age * VERSION_DAYS;
    const at = (changed: number): string => calendar.instant(changed, hourly(order));
    return version(order, at(started), age === 0 ? null : at(started + VERSION_DAYS), started);
  };
  const older = (index: number): readonly unknown[] =>
    sizes.updates ? aged(index % current, Math.floor(index / current) + 1) : aged(current + index, 1);
  const first: SamplePart = {
    stem: 'current-history-part-0001',
    schema: columns(...COLUMNS),
    rows: history + current + 1,
    row: (index) => {
      if (index < history) return older(index);
      if (index < history + current) return aged(index - history, 0);
      return [null, ...aged(current, 0).slice(1)];
    },
  };
  const second: SamplePart = {
    stem: 'current-history-part-0002',
    schema: columns(...COLUMNS, 'revision_notes'),
    rows: SECOND_PART_ROWS,
    row: (index) => {
      const order = index % 10 === 9 ? Math.min(current - 1, index) : index % Math.min(HOT_ORDERS, current);
      const at = (minute: number): string => calendar.instant(-SKEWED_DAYS_AGO, minute * 60_000);
      const revised = version(order, at(index), at(index + 1), -SKEWED_DAYS_AGO - index);
      return [...revised, `revision ${index + 1}`];
    },
  };
  return day === 1 ? [first, second] : [first];
}
