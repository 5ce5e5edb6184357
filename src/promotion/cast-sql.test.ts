import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { type DataType, formatType, parseType, STRING } from '../core/schema.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { identifier, literal } from '../engine/sql.ts';
import { textCast } from '../table/cast.ts';
import { textFormat } from '../table/format.ts';
import { castSql } from './cast-sql.ts';
import { exactText } from './text-sql.ts';

let engine: Engine;
beforeAll(async () => {
  const limits = { memoryBytes: 512 * 1024 * 1024, threads: 1, spillFolder: tmpdir() };
  engine = await openEngine(limits, new AbortController().signal);
});
afterAll(() => engine.close());

function type(name: string): DataType {
  const found = parseType(name);
  if (found === undefined) throw new Error(name);
  return found;
}

/** What SQL makes of texts, as texts of the target type; null where a text does not fit. */
async function viaSql(texts: readonly string[], to: DataType): Promise<(string | null)[]> {
  const rows = texts.map((text, index) => `(${index}, ${sqlText(text)})`).join(', ');
  const cast = castSql('x', STRING, to) ?? '';
  const found = await engine.query(
    `SELECT ${exactText('y', to)} AS text FROM (SELECT i, ${cast} AS y FROM (VALUES ${rows}) t(i, x)) ORDER BY i`,
  );
  return found.map((row) => (row.text === null ? null : String(row.text)));
}

/** The same by the cast that Bronze uses. */
function viaTable(texts: readonly string[], to: DataType): (string | null)[] {
  return texts.map((text) => {
    const value = textCast(to)(text);
    return value === undefined ? null : textFormat(to)(value);
  });
}

function sqlText(text: string): string {
  return literal(text);
}

const digits = fc.stringMatching(/^[0-9]{1,4}$/);
const NUMBERS = fc.oneof(
  fc.stringMatching(/^[+-]?[0-9]{0,22}(\.[0-9]{0,12})?([eE][+-]?[0-9]{1,3})?$/),
  fc.stringMatching(/^[+-]?(nan|inf|infinity|NaN|INF)$/),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
  fc.double().map(String),
  fc.constantFrom(' 1', '1 ', '-0', '007', '1,5', '٣', '', '1_000', '0x1', '1\n', '+', '.', '1.', '.1'),
);
const two = fc.integer({ min: 0, max: 70 }).map((n) => String(n).padStart(2, '0'));
const day = fc.tuple(fc.integer({ min: 0, max: 9999 }), fc.integer({ min: 0, max: 13 }), two);
const DATES = day.map(([y, m, d]) => `${String(y).padStart(4, '0')}-${String(m).padStart(2, '0')}-${d}`);
const goodDay = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const fraction = fc.stringMatching(/^(:[0-5][0-9](\.[0-9]{1,9}|\.[0-9]{6}000)?)?$/);
const TIMES = fc.tuple(two, two, fraction).map(([h, m, rest]) => `${h}:${m}${rest}`);
const goodTime = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), fraction)
  .map(([h, m, rest]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}${rest}`);
const zone = fc.oneof(
  fc.constantFrom('', 'Z', 'z', ' Z', '+05', '-0330', '+05:45', '+23:59', '+24:00', '-00:00', '+5', 'UTC'),
  fc.tuple(fc.constantFrom('+', '-'), two, digits).map((parts) => parts.join('')),
);
const TEMPORAL = fc.oneof(
  DATES,
  goodDay,
  TIMES,
  goodTime,
  fc
    .tuple(fc.oneof(DATES, goodDay), fc.constantFrom('T', ' ', 't'), fc.oneof(TIMES, goodTime), zone)
    .map((parts) => parts.join('')),
);
const JSONS = fc.oneof(
  fc.json(),
  fc.json().map((text) => text.slice(1)),
  fc.json().map((text) => text.replaceAll('"', '')),
  fc.constantFrom('NaN', '[NaN]', '-Infinity', '["NaN, ]"]', '[1,]', '{"a":1,}', '01', '1.', "{'a':1}", ''),
  fc.constantFrom('"\\""', '["\\\\", nan]', 'nul', 'null', '"inf"', '{"Infinity":[1 , 2 ]}', '// a\n1'),
);
const BINARY = fc.oneof(
  fc.base64String(),
  fc.stringMatching(/^[A-Za-z0-9+/=]{0,9}$/),
  fc.constantFrom('A', 'AA', 'AA=', 'AA==\n', '=='),
);
const UUIDS = fc.oneof(
  fc.uuid(),
  fc.uuid().map((text) => text.toUpperCase()),
  fc.uuid().map((text) => text.replaceAll('-', '')),
);

const CASES: readonly (readonly [readonly string[], fc.Arbitrary<string>])[] = [
  [['int32', 'int64', 'double', 'decimal(10,2)', 'decimal(38,0)', 'decimal(38,37)', 'decimal(3,3)'], NUMBERS],
  [['date', 'time', 'timestamp', 'timestamptz'], TEMPORAL],
  [['boolean'], fc.constantFrom('true', 'FALSE', 'True', 't', '1', 'yes', '', ' true', 'ſalse')],
  [['json'], JSONS],
  [['binary'], BINARY],
  [['uuid'], UUIDS],
  [['string'], fc.string()],
];

describe('casts in SQL', () => {
  for (const [names, texts] of CASES) {
    for (const name of names) {
      test(`give ${name} the values that Bronze's own casts give, and refuse what those refuse`, async () => {
        const to = type(name);
        const noNul = texts.filter((text) => !text.includes('\0') && text.isWellFormed());
        await fc.assert(
          fc.asyncProperty(fc.array(noNul, { minLength: 20, maxLength: 60 }), async (some) => {
            const sql = await viaSql(some, to);
            const expected = viaTable(some, to);
            const comparable = (text: string | null) =>
              text === null || to.kind !== 'double' ? text : Number(text);
            expect(sql.map(comparable)).toEqual(expected.map(comparable));
          }),
          { numRuns: 60 },
        );
      });
    }
  }
});

describe('casts between other types', () => {
  async function cast(
    value: string,
    from: string,
    to: string,
    timezone?: string,
  ): Promise<string | null | undefined> {
    const sql = castSql('x', type(from), type(to), timezone);
    if (sql === undefined) return undefined;
    const [row] = await engine.query(
      `SELECT ${exactText(identifier('y'), type(to))} AS text FROM (SELECT ${sql} AS y FROM (SELECT ${value} AS x))`,
    );
    return row?.text === null ? null : String(row?.text);
  }

  test('keep a number exactly or refuse it', async () => {
    expect(await cast('5::DECIMAL(10,2)', 'decimal(10,2)', 'int64')).toBe('5');
    expect(await cast('5.5::DECIMAL(10,2)', 'decimal(10,2)', 'int64')).toBeNull();
    expect(await cast('9007199254740993::BIGINT', 'int64', 'double')).toBeNull();
    expect(await cast('3000000000::BIGINT', 'int64', 'int32')).toBeNull();
    expect(await cast('0.1::DOUBLE', 'double', 'decimal(10,2)')).toBe('0.10');
    expect(await cast('0.125::DOUBLE', 'double', 'decimal(10,2)')).toBeNull();
    expect(await cast(`'nan'::DOUBLE`, 'double', 'int32')).toBeNull();
    expect(await cast('7::INTEGER', 'int32', 'decimal(38,10)')).toBe('7.0000000000');
    expect(await cast('NULL::INTEGER', 'int32', 'int64')).toBeNull();
  });

  test('make any value text that reads back, and dates timestamps', async () => {
    expect(await cast(`TIMESTAMP '2024-01-02 03:04:05'`, 'timestamp', 'string')).toBe(
      '2024-01-02T03:04:05.000000',
    );
    expect(await cast('1.50::DECIMAL(10,2)', 'decimal(10,2)', 'string')).toBe('1.50');
    expect(await cast(`DATE '2024-01-02'`, 'date', 'timestamp')).toBe('2024-01-02T00:00:00.000000');
    expect(await cast(`TIMESTAMP '2024-01-02 00:00:00'`, 'timestamp', 'date')).toBe('2024-01-02');
    expect(await cast(`TIMESTAMP '2024-01-02 00:00:01'`, 'timestamp', 'date')).toBeNull();
  });

  test('have no way where one would be a guess', () => {
    for (const [from, to] of [
      ['boolean', 'int32'],
      ['int64', 'timestamp'],
      ['timestamp', 'timestamptz'],
      ['time', 'timestamp'],
      ['binary', 'json'],
    ] as const) {
      expect(`${from} ${castSql('x', type(from), type(to))}`).toBe(`${from} undefined`);
    }
    expect(formatType(type('timestamptz'))).toBe('timestamptz');
    expect(castSql('x', type('timestamptz'), type('date'), 'Europe/Berlin')).toBeUndefined();
  });

  test('take times without a zone for those of the timezone, and back, where there is one answer', async () => {
    const zoned = (local: string) =>
      cast(`TIMESTAMP '${local}'`, 'timestamp', 'timestamptz', 'Europe/Berlin');
    expect(await zoned('2025-07-01 12:00:00')).toBe('2025-07-01T10:00:00.000000Z');
    expect(await zoned('2025-03-30 02:30:00')).toBeNull();
    expect(await zoned('2025-10-26 02:30:00')).toBeNull();
    expect(await zoned('infinity')).toBeNull();
    const local = (instant: string) =>
      cast(`TIMESTAMPTZ '${instant}'`, 'timestamptz', 'timestamp', 'Europe/Berlin');
    expect(await local('2025-07-01 10:00:00Z')).toBe('2025-07-01T12:00:00.000000');
    expect([await local('2025-10-26 00:30:00Z'), await local('2025-10-26 01:30:00Z')]).toEqual([null, null]);
    expect(await cast(`DATE '2025-07-01'`, 'date', 'timestamptz', 'Europe/Berlin')).toBe(
      '2025-06-30T22:00:00.000000Z',
    );
  });

  test('read text of either kind, each by its own zone or the timezone', async () => {
    const text = (value: string, to: string) => cast(`'${value}'`, 'string', to, 'America/New_York');
    expect(await text('2025-07-01T12:00', 'timestamptz')).toBe('2025-07-01T16:00:00.000000Z');
    expect(await text('2025-07-01T12:00+02:00', 'timestamptz')).toBe('2025-07-01T10:00:00.000000Z');
    expect(await text('2025-07-01T12:00', 'timestamp')).toBe('2025-07-01T12:00:00.000000');
    expect(await text('2025-07-01T16:00Z', 'timestamp')).toBe('2025-07-01T12:00:00.000000');
    expect(await text('2025-11-02T01:30', 'timestamptz')).toBeNull();
    expect(await text('yesterday', 'timestamptz')).toBeNull();
  });

  test('agree with the clocks of any zone, asked minute by minute', async () => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC'];
    const minute = 60_000;
    const clockOf = (zone: string) => {
      const format = new Intl.DateTimeFormat('sv-SE', {
        timeZone: zone,
        dateStyle: 'short',
        timeStyle: 'medium',
      });
      return (instant: number): string => format.format(instant);
    };
    // Hours in which clocks change, and any other.
    const changes = [
      '2024-03-31T02',
      '2024-10-27T02',
      '2024-11-03T01',
      '2024-03-10T02',
      '2024-04-07T01',
      '2024-10-06T02',
    ];
    const hour = fc.oneof(
      fc.constantFrom(...changes),
      fc
        .date({ min: new Date('1995-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, 13)),
    );
    const time = fc
      .tuple(hour, fc.integer({ min: 0, max: 59 }))
      .map(([h, m]) => `${h}:${String(m).padStart(2, '0')}:00`);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...zones), time, async (zone, local) => {
        const clock = clockOf(zone);
        const around = Date.parse(`${local}Z`);
        const instants: number[] = [];
        for (let shift = -14 * 60; shift <= 14 * 60; shift += 30) {
          const instant = around - shift * minute;
          if (clock(instant) === local.replace('T', ' ')) instants.push(instant);
        }
        const only = instants.length === 1 ? instants[0] : undefined;
        const expected =
          only === undefined ? null : new Date(only).toISOString().replace('.000Z', '.000000Z');
        expect(await cast(`TIMESTAMP '${local}'`, 'timestamp', 'timestamptz', zone)).toBe(expected);
        for (const instant of instants) {
          const back = await cast(
            `TIMESTAMPTZ '${new Date(instant).toISOString()}'`,
            'timestamptz',
            'timestamp',
            zone,
          );
          expect(back).toBe(only === undefined ? null : `${local}.000000`);
        }
      }),
      { numRuns: 60 },
    );
  });
});
