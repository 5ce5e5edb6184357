import { calendarFrom, changeDay, hourly } from './days.ts';
import { columns, money, orderId, type SamplePart } from './part.ts';
import type { SampleSizes } from './patterns.ts';
import { randomOf } from './random.ts';

const COLUMNS = ['order_id', 'customer_id', 'status', 'order_total:double', 'updated_at', 'run_date'];
const STATUSES = ['new', 'processing', 'shipped', 'delivered', 'returned'] as const;
const CAMPAIGNS = ['spring', 'summer', 'autumn', 'winter'] as const;
const PRIORITIES = ['low', 'normal', 'high'] as const;
const SECOND_PART_ROWS = 30;

/**
 * Pattern 1: every order there is, each day some more, a tenth of them changed since the day before; the last row has
 * no order_id. Day 1 has a second part with two more columns.
 */
export function fullParts(day: number, seed: number, sizes: SampleSizes): SamplePart[] {
  const random = randomOf(seed);
  const rows = sizes.fullRows + day * sizes.growth;
  const calendar = calendarFrom(sizes.startDate);
  const order = (index: number, id: string | null): readonly unknown[] => {
    const changed = changeDay(index, day, bornOn(index, day, sizes), sizes.updates);
    const draw = (changed + 1) * 8;
    return [
      id,
      `CUST-${random.between(index, 0, 1000, 9999)}`,
      random.pick(index, draw + 1, STATUSES),
      money(random.unit(index, draw + 2), 25, 500),
      calendar.instant(changed, hourly(index)),
      calendar.date(day),
    ];
  };
  const first: SamplePart = {
    stem: 'full-part-0001',
    schema: columns(...COLUMNS),
    rows: rows + 1,
    row: (index) => order(index, index === rows ? null : orderId(index + 1)),
  };
  const second: SamplePart = {
    stem: 'full-part-0002',
    schema: columns(...COLUMNS, 'campaign_id', 'priority'),
    rows: SECOND_PART_ROWS,
    row: (index) => {
      const at = rows + index;
      return [
        ...order(at, orderId(at + 1)),
        `CMP-${random.pick(at, 3, CAMPAIGNS)}`,
        random.pick(at, 4, PRIORITIES),
      ];
    },
  };
  return day === 1 ? [first, second] : [first];
}

/** The day that brought the order. */
function bornOn(index: number, day: number, { fullRows, growth }: SampleSizes): number {
  if (index < fullRows) return 0;
  if (growth === 0) return day;
  return Math.min(day, Math.floor((index - fullRows) / growth) + 1);
}
