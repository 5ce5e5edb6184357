import { type Calendar, calendarFrom } from './days.ts';
import { columns, money, type SamplePart } from './part.ts';
import type { SamplePattern, SampleSizes } from './patterns.ts';
import { type Random, randomOf } from './random.ts';

/** The second full reference follows the first after so many days; with the original's start, on 2025-11-22. */
export const SECOND_REFERENCE_DAY = 9;

const REFERENCE_COLUMNS = [
  'order_id',
  'customer_id',
  'status',
  'order_total:double',
  'changed_at',
  'updated_at',
  'run_date',
];
const DELTA_COLUMNS = [...REFERENCE_COLUMNS, 'change_type', 'delta_tag'];
const STATUSES = ['new', 'processing', 'shipped', 'delivered', 'cancelled'] as const;
const UPDATE_SHARE = 0.3;
const DAY_SECONDS = 24 * 60 * 60;
const STEP_MS = 3 * 60 * 1000;
/** Deltas are rows of the same numbering as references, behind them. */
const DRAW_TYPE = 101;
const DRAW_SUBJECT = 102;

function hybridId(number: number): string {
  return `HYB-${String(number).padStart(8, '0')}`;
}

/** Patterns 4 to 7: the whole table, on the first day and again later, when three tenths of it have changed. */
export function referencePart(day: number, seed: number, sizes: SampleSizes): SamplePart {
  const random = randomOf(seed);
  const calendar = calendarFrom(sizes.startDate);
  return {
    stem: 'reference-part-0001',
    schema: columns(...REFERENCE_COLUMNS),
    rows: sizes.referenceRows,
    row: (index) => {
      const hasChanged = day > 0 && sizes.updates && random.unit(index, DRAW_TYPE) < UPDATE_SHARE;
      const time = (index % DAY_SECONDS) * 1000;
      return order(random, calendar, {
        subject: index,
        row: index,
        changed: hasChanged ? day : 0,
        time,
        day,
      });
    },
  };
}

/** Patterns 4 to 7: the changes of one day, or of all days since the first reference. */
export function deltaPart(
  day: number,
  seed: number,
  sizes: SampleSizes,
  hybrid: NonNullable<SamplePattern['hybrid']>,
): SamplePart {
  const random = randomOf(seed);
  const calendar = calendarFrom(sizes.startDate);
  const isCumulative = hybrid.deltaMode === 'cumulative';
  const step = Math.min(STEP_MS, (DAY_SECONDS * 1000) / sizes.deltaRows);
  const from = isCumulative ? 0 : (day - 1) * sizes.deltaRows;
  return {
    stem: 'delta-part-0001',
    schema: columns(...DELTA_COLUMNS),
    rows: (isCumulative ? day : 1) * sizes.deltaRows,
    row: (index) => {
      const change = from + index;
      const changed = Math.floor(change / sizes.deltaRows) + 1;
      // By turn, so that an update comes after the insert of the same day that it changes.
      const time = Math.floor((change % sizes.deltaRows) * step);
      const isUpdate = isUpdateAt(random, change, sizes);
      const subject = isUpdate ? subjectOf(random, change, sizes) : sizes.referenceRows + change;
      return [
        ...order(random, calendar, { subject, row: sizes.referenceRows + change, changed, time, day }),
        isUpdate ? 'update' : 'insert',
        `${hybrid.tag}-${calendar.date(changed)}`,
      ];
    },
  };
}

function isUpdateAt(random: Random, change: number, { referenceRows, updates }: SampleSizes): boolean {
  return updates && random.unit(referenceRows + change, DRAW_TYPE) < UPDATE_SHARE;
}

/** An order of the reference, or one that an earlier change inserted. */
function subjectOf(random: Random, change: number, sizes: SampleSizes): number {
  const { referenceRows } = sizes;
  let subject = random.between(referenceRows + change, DRAW_SUBJECT, 0, referenceRows + change - 1);
  while (subject >= referenceRows && isUpdateAt(random, subject - referenceRows, sizes)) subject -= 1;
  return subject;
}

interface Version {
  /** The row that brought the order, which names it and its customer. */
  readonly subject: number;
  /** The row that says what the order is now. */
  readonly row: number;
  /** The day of that, and the milliseconds into it. */
  readonly changed: number;
  readonly time: number;
  /** The day of the file. */
  readonly day: number;
}

function order(random: Random, calendar: Calendar, version: Version): readonly unknown[] {
  const { subject, row, changed } = version;
  const at = calendar.instant(changed, version.time);
  const draw = changed * 8;
  return [
    hybridId(subject + 1),
    `CUST-${random.between(subject, 0, 1000, 9999)}`,
    random.pick(row, draw + 1, STATUSES),
    money(random.unit(row, draw + 2), 20, 600),
    at,
    at,
    calendar.date(version.day),
  ];
}
