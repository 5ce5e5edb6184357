import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Clock } from '../core/clock.ts';
import {
  decodePartitionValue,
  encodePartitionValue,
  parsePartitionSegment,
  partitionSegment,
} from './hive.ts';
import {
  type BronzeAddress,
  batchStamp,
  bronzePartitionPath,
  comparePartPaths,
  generateBatchId,
  isBronzeSegment,
  nestingRoot,
  parseBronzePath,
  partNumber,
  partStem,
  silverPartitionPath,
} from './layout.ts';

const wellFormed = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed());
const value = fc.oneof(
  fc.constantFrom(
    null,
    '',
    '__HIVE_DEFAULT_PARTITION__',
    '%5F_HIVE_DEFAULT_PARTITION__',
    'x y',
    'x%20y',
    'a/b',
    '..',
  ),
  wellFormed,
);

describe('partition values in paths (decision 4)', () => {
  test('every value comes back, NULL and the text that looks like it included', () => {
    fc.assert(fc.property(value, (v) => expect(decodePartitionValue(encodePartitionValue(v))).toBe(v)));
  });

  test('no two values share a spelling, and no spelling leaves its folder', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(encodePartitionValue(a) === encodePartitionValue(b)).toBe(a === b);
        expect(encodePartitionValue(a)).not.toMatch(/[/\\=\0]/);
      }),
    );
  });

  test('the spellings are those of Hive', () => {
    expect(partitionSegment('region', 'x y')).toBe('region=x%20y');
    expect(partitionSegment('a=b', 'c/d')).toBe('a%3Db=c%2Fd');
    expect(partitionSegment('region', null)).toBe('region=__HIVE_DEFAULT_PARTITION__');
    expect(partitionSegment('region', 'Zürich')).toBe('region=Zürich');
    expect(parsePartitionSegment('region=Z%C3%BCrich')).toEqual({ column: 'region', value: 'Zürich' });
    expect(parsePartitionSegment('region')).toBeUndefined();
  });

  test('text that is no Unicode, or too long for a folder, is refused by name', () => {
    expect(() => encodePartitionValue('\ud800')).toThrow('not valid Unicode');
    expect(() => partitionSegment('note', 'x'.repeat(300))).toThrow('"note" is too long');
  });
});

describe('Bronze paths (decision 1)', () => {
  const table = { system: 's', table: 't', pattern: 'full' };

  test('scenario 18: date, hour, batch, batch id and none have the documented folders', () => {
    const date = '2025-01-05';
    const at = (address: BronzeAddress): string => bronzePartitionPath(address);
    expect(at({ ...table, strategy: 'date', date })).toBe('system=s/table=t/pattern=full/dt=2025-01-05');
    expect(at({ ...table, strategy: 'hourly', date, hour: '09' })).toBe(
      'system=s/table=t/pattern=full/dt=2025-01-05/hour=09',
    );
    expect(at({ ...table, strategy: 'timestamp', date, batch: '20250105_0930' })).toBe(
      'system=s/table=t/pattern=full/dt=2025-01-05/batch=20250105_0930',
    );
    expect(at({ ...table, strategy: 'batch_id', date, batchId: 'test_batch_123' })).toBe(
      'system=s/table=t/pattern=full/dt=2025-01-05/batch_id=test_batch_123',
    );
    expect(at({ ...table, strategy: 'none' })).toBe('system=s/table=t/pattern=full');
    expect(at({ ...table, environment: 'dev', strategy: 'none' })).toBe(
      'env=dev/system=s/table=t/pattern=full',
    );
  });

  test('a path gives back what it was made of', () => {
    const name = wellFormed.filter((text) => text !== '');
    const address = fc.oneof(
      fc.record({ strategy: fc.constant('none' as const) }),
      fc.record({ strategy: fc.constant('date' as const), dt: name }),
      fc.record({ strategy: fc.constant('hourly' as const), dt: name, hour: name }),
      fc.record({ strategy: fc.constant('timestamp' as const), dt: name, batch: name }),
      fc.record({ strategy: fc.constant('batch_id' as const), dt: name, batchId: name }),
    );
    const whole = fc.record({ environment: name, system: name, table: name, pattern: name });
    fc.assert(
      fc.property(whole, address, fc.boolean(), ({ environment, ...names }, slice, withEnvironment) => {
        fc.pre(!names.pattern.startsWith('LoadPattern.'));
        const expected = { ...names, ...slice, ...(withEnvironment ? { environment } : {}) };
        const { dt, ...rest } = { dt: '', ...expected };
        expect(parseBronzePath(bronzePartitionPath({ ...rest, date: dt } as BronzeAddress))).toEqual(
          expected,
        );
      }),
    );
  });

  test("the original's spellings are understood, other paths are not", () => {
    expect(parseBronzePath('/out/system=s/table=t/pattern=LoadPattern.FULL/dt=2025-01-05/')).toEqual({
      ...table,
      strategy: 'date',
      dt: '2025-01-05',
    });
    expect(parseBronzePath('system=s/table=t/dt=2025-01-05')).toEqual({
      system: 's',
      table: 't',
      strategy: 'date',
      dt: '2025-01-05',
    });
    for (const path of [
      'domain=d/entity=e/v1/load_date=2025-01-05',
      'system=s',
      'system=s/table=t/hour=09',
      'system=s/table=t/x=1',
    ]) {
      expect(parseBronzePath(path)).toBeUndefined();
    }
  });

  test('only paths below one pattern folder exclude each other', () => {
    expect(nestingRoot('system=s/table=t/pattern=full/dt=1/hour=2')).toBe('system=s/table=t/pattern=full');
    expect(nestingRoot('domain=d/entity=e/v1/load_date=1')).toBe('domain=d/entity=e/v1/load_date=1');
  });
});

describe('Silver paths (decision 3)', () => {
  test('environment and pattern folder appear only when they are set', () => {
    const address = {
      domain: 'd',
      entity: 'e',
      version: 2,
      loadPartitionName: 'load_date',
      date: '2025-01-05',
    };
    expect(silverPartitionPath(address)).toBe('domain=d/entity=e/v2/load_date=2025-01-05');
    expect(silverPartitionPath({ ...address, environment: 'dev', patternFolder: 'current_history' })).toBe(
      'env=dev/domain=d/entity=e/v2/pattern=current_history/load_date=2025-01-05',
    );
  });
});

describe('batch stamps and part names', () => {
  const clock: Clock = { now: () => new Date('2025-01-05T23:30:59Z') };

  test('stamps are in the configured zone', () => {
    expect(batchStamp(clock, 'UTC')).toBe('20250105_2330');
    expect(batchStamp(clock, 'Europe/Berlin')).toBe('20250106_0030');
    expect(generateBatchId(clock, 'UTC')).toMatch(/^20250105_233059_[0-9a-f]{8}$/);
    expect(generateBatchId(clock, 'UTC')).not.toBe(generateBatchId(clock, 'UTC'));
  });

  test('part names carry the pattern with dashes and sort by their number', () => {
    expect(partStem('current_history', 1)).toBe('current-history-part-0001');
    expect(partNumber('full-part-0012-0a1b2c3d.parquet')).toBe(12);
    expect(partNumber('region=e/part-0003.csv')).toBe(3);
    expect(partNumber('events-0a1b2c3d.parquet')).toBeUndefined();
    const parts = ['full-part-10000-00000000.parquet', 'full-part-9999-ffffffff.parquet'];
    expect(parts.sort(comparePartPaths)[0]).toContain('9999');
  });
});

describe('renamed folders (path_structure)', () => {
  const keys = { system: 'src', table: 'tbl', pattern: 'kind', dt: 'day' };
  const table = { keys, environment: 'dev', system: 's', table: 't', pattern: 'full' } as const;

  test('are written, and read back by the same names only', () => {
    const path = bronzePartitionPath({ ...table, strategy: 'hourly', date: '2025-01-05', hour: '09' });
    expect(path).toBe('env=dev/src=s/tbl=t/kind=full/day=2025-01-05/hour=09');
    expect(parseBronzePath(path, keys)).toEqual({
      environment: 'dev',
      system: 's',
      table: 't',
      pattern: 'full',
      strategy: 'hourly',
      dt: '2025-01-05',
      hour: '09',
    });
    expect(parseBronzePath(path)).toBeUndefined();
    expect(parseBronzePath('system=s/table=t/pattern=full/dt=2025-01-05', keys)).toBeUndefined();
    expect(nestingRoot(path, keys)).toBe('env=dev/src=s/tbl=t/kind=full');
    expect(isBronzeSegment('day=1', ['dt'], keys)).toBe(true);
    expect(isBronzeSegment('dt=1', ['dt'], keys)).toBe(false);
  });

  test('every path comes back, whatever names and values it is made of', () => {
    const word = fc
      .stringMatching(/^[a-z][a-z_ =%]{0,8}[a-z]$/)
      .filter((text) => !/^(?:env|hour|batch|batch_id)$/.test(text));
    const names = fc.uniqueArray(word, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(names, fc.string({ minLength: 1, maxLength: 8 }), (given, text) => {
        fc.pre(text.isWellFormed());
        const [system = '', name = '', pattern = '', dt = ''] = given;
        const renamed = { system, table: name, pattern, dt };
        const address = { keys: renamed, system: text, table: text, pattern: 'p', date: '2025-01-05' };
        const parsed = parseBronzePath(bronzePartitionPath({ ...address, strategy: 'date' }), renamed);
        expect(parsed).toMatchObject({ system: text, table: text, pattern: 'p', dt: '2025-01-05' });
      }),
    );
  });

  test('Silver has names of its own', () => {
    const silver = { domain: 'd', entity: 'e', version: 2, patternFolder: 'cdc', date: '2025-01-05' };
    expect(
      silverPartitionPath({
        ...silver,
        keys: { domain: 'area', entity: 'thing', versionPrefix: 'ver', pattern: 'kind' },
        loadPartitionName: 'day',
      }),
    ).toBe('area=d/thing=e/ver2/kind=cdc/day=2025-01-05');
  });
});
