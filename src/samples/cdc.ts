import { changeStream } from './changes.ts';
import { calendarFrom } from './days.ts';
import { columns, money, orderId, type SamplePart } from './part.ts';
import type { SampleSizes } from './patterns.ts';
import { randomOf } from './random.ts';

const COLUMNS = [
  'order_id',
  'customer_id',
  'change_type',
  'changed_at',
  'status',
  'order_total:double',
  'run_date',
];
const STATUSES = ['processing', 'shipped', 'cancelled'] as const;
const NOTES = ['address corrected', 'gift wrapping', 'call before delivery'] as const;
const SECOND_PART_ROWS = 20;
const DAILY_GROWTH = 60;
const OPENS_MS = 8 * 60 * 60 * 1000;
const STEP_MS = 3 * 60 * 1000;
const OPEN_MS = 16 * 60 * 60 * 1000;

/**
 * Pattern 2: what changed that day, in the order in which it changed, from 08:00 on; the last row has no order_id.
 * Day 1 has a second part with one more column.
 */
export function cdcParts(day: number, seed: number, sizes: SampleSizes): SamplePart[] {
  const random = randomOf(seed);
  const stream = changeStream(random, sizes.updates);
  const rows = sizes.cdcRows + DAILY_GROWTH * day;
  const before = rowsBefore(day, sizes.cdcRows);
  const calendar = calendarFrom(sizes.startDate);
  const step = Math.min(STEP_MS, OPEN_MS / (rows + SECOND_PART_ROWS + 1));
  const change = (index: number, isSentinel: boolean): readonly unknown[] => {
    const at = before + index;
    const subject = isSentinel ? at : stream.subjectOf(at);
    return [
      isSentinel ? null : orderId(subject + 1),
      `CUST-${random.between(subject, 0, 1000, 9999)}`,
      isSentinel ? 'insert' : stream.typeOf(at),
      calendar.instant(day, OPENS_MS + Math.floor(index * step)),
      random.pick(at, 1, STATUSES),
      money(random.unit(at, 2), 10, 800),
      calendar.date(day),
    ];
  };
  const first: SamplePart = {
    stem: 'cdc-part-0001',
    schema: columns(...COLUMNS),
    rows: rows + 1,
    row: (index) => change(index, index === rows),
  };
  const second: SamplePart = {
    stem: 'cdc-part-0002',
    schema: columns(...COLUMNS, 'note'),
    rows: SECOND_PART_ROWS,
    row: (index) => [...change(rows + index, false), random.pick(before + rows + index, 3, NOTES)],
  };
  return day === 1 ? [first, second] : [first];
}

/** Rows of the days before, without those that have no order_id. */
function rowsBefore(day: number, perDay: number): number {
  return day * perDay + (DAILY_GROWTH * day * (day - 1)) / 2 + (day > 1 ? SECOND_PART_ROWS : 0);
}
