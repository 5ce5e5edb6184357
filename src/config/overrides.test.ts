import { describe, expect, test } from 'bun:test';
import type { FoundryError } from '../core/errors.ts';
import { parseConfig } from './load.ts';
import { adHocSilver, adHocSilverSpec, applyOverrides, type Overrides } from './overrides.ts';

function dataset(silver: string, run = '') {
  const text = `
platform: {bronze: {storage_backend: local}}
source: {system: s, table: t, file: {path: a.csv}, run: {${run}}}
${silver === '' ? '' : `silver: {${silver}}`}`;
  return parseConfig('c.yaml', text, {}).datasets[0]!;
}

function intent(kind: string) {
  const time = kind.endsWith('event') ? 'event_ts_column' : 'change_ts_column';
  return parseConfig(
    'i.yaml',
    `{system: s, entity: e, bronze: {path_pattern: a.csv}, silver: {entity_kind: ${kind}, natural_keys: [a], ${time}: b, attributes: [c, d]}}`,
    {},
  ).datasets[0]!;
}

const INTENT = intent('state');

function usageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect((error as FoundryError).code).toBe('USE001');
    expect((error as FoundryError).exitCode).toBe(2);
    return (error as FoundryError).message;
  }
  throw new Error('the overrides were accepted');
}

describe('overrides', () => {
  test('leave a spec as it is when nothing is overridden', () => {
    for (const spec of [dataset(''), dataset('primary_keys: [a]'), INTENT]) {
      expect(applyOverrides(spec, {})).toEqual(spec);
    }
  });

  test('of the load pattern change the model only where the config names none', () => {
    const keys = 'primary_keys: [a], order_column: b, include_pattern_folder: true';
    const changed = applyOverrides(dataset(keys), { loadPattern: 'current_history' });
    expect(changed.bronze.loadPattern).toBe('current_history');
    expect(changed.silver).toMatchObject({ model: 'scd_type_2', patternFolder: 'current_history' });
    expect(applyOverrides(changed, { loadPattern: 'cdc' }).silver?.model).toBe('incremental_merge');
    const named = applyOverrides(dataset(`${keys}, model: scd1`), { loadPattern: 'cdc' });
    expect(named.silver?.model).toBe('scd_type_1');
    expect(usageOf(() => applyOverrides(dataset('entity: e'), { loadPattern: 'current_history' }))).toContain(
      '--primary-key is required',
    );
    expect(applyOverrides(dataset(''), { loadPattern: 'cdc' }).bronze.loadPattern).toBe('cdc');
  });

  test('48: of the model are refused without keys and order column', () => {
    expect(usageOf(() => applyOverrides(dataset('entity: e'), { silverModel: 'scd_type_1' }))).toBe(
      '--primary-key is required by the model scd_type_1; --order-column is required by the model scd_type_1',
    );
    const done = applyOverrides(dataset('entity: e'), {
      silverModel: 'SCD2',
      primaryKeys: [' a ', '', 'b'],
      orderColumn: 'c',
    });
    expect(done.silver).toMatchObject({ model: 'scd_type_2', keys: ['a', 'b'], orderColumn: 'c' });
    expect(done.silver?.modelIsDefault).toBeUndefined();
  });

  test('26: of both formats to off are refused', () => {
    expect(usageOf(() => applyOverrides(dataset('entity: e'), { writeParquet: false }))).toContain(
      'no output format',
    );
    const formats = applyOverrides(dataset('entity: e'), {
      writeParquet: false,
      writeCsv: true,
      compression: 'ZSTD',
    });
    expect(formats.silver?.formats).toEqual({ parquet: false, csv: true, compression: 'zstd' });
  });

  test('reach bases, checksums and output names', () => {
    const { bronze, silver } = applyOverrides(dataset('current_output_name: x'), {
      bronzeBase: '/b',
      silverBase: '/s',
      requireChecksum: true,
      outputNames: { full: 'all', history: 'h' },
    });
    expect(bronze.base).toBe('/b');
    expect(silver).toMatchObject({ base: '/s', requireChecksum: true });
    expect(silver?.artifactNames).toEqual({ current: 'x', full_snapshot: 'all', history: 'h' });
    expect(usageOf(() => applyOverrides(dataset('entity: e'), { outputNames: { cdc: '../x' } }))).toContain(
      '--cdc-output-name',
    );
  });

  test('with unknown names are refused with a guess', () => {
    const refused = (overrides: Overrides) => usageOf(() => applyOverrides(dataset('entity: e'), overrides));
    expect(refused({ silverModel: 'scd_typ_2' })).toContain('did you mean "scd_type_2"');
    expect(refused({ compression: 'snapy' })).toContain('did you mean "snappy"');
    expect(refused({ loadPattern: 'ful' })).toContain('did you mean "full"');
    expect(refused({ primaryKeys: ['a', 'a'] })).toContain('twice');
  });

  test('of keys and order column leave the former ones of an intent as columns', () => {
    expect(applyOverrides(INTENT, { primaryKeys: ['x', 'c'], orderColumn: ' y ' }).silver).toMatchObject({
      keys: ['x', 'c'],
      orderColumn: 'y',
      attributes: ['d'],
      replacedColumns: ['a', 'b'],
    });
    expect(applyOverrides(INTENT, { orderColumn: 'b' }).silver).toMatchObject({ replacedColumns: [] });
    expect(usageOf(() => applyOverrides(INTENT, { primaryKeys: [' '] }))).toContain('--primary-key');
    expect(usageOf(() => applyOverrides(INTENT, { orderColumn: ' ' }))).toContain('--order-column');
  });

  test('of the model change what an intent keeps, within its kind of entity', () => {
    const modelOf = (silverModel: string, kind = 'state') =>
      applyOverrides(intent(kind), { silverModel }).silver;
    expect(modelOf('scd1')).toMatchObject({ model: 'state_scd1', historyMode: 'scd1' });
    expect(modelOf('SCD_TYPE_2', 'derived_state')).toMatchObject({
      model: 'state_scd2',
      historyMode: 'scd2',
    });
    expect(modelOf('latest_only')).toMatchObject({ model: 'state_scd1', historyMode: 'latest_only' });
    expect(modelOf('replace_daily', 'event')).toMatchObject({ model: 'event', inputMode: 'replace_daily' });
    expect(usageOf(() => modelOf('scd1', 'event'))).toContain('use append_log, replace_daily');
    expect(usageOf(() => modelOf('periodic_snapshot'))).toContain('use scd_type_1, scd_type_2, latest_only');
    expect(usageOf(() => modelOf('scd1', 'derived_event'))).toContain('one model only');
  });

  test('of output names reach the artifacts of an intent, or are refused', () => {
    const names = (outputNames: Overrides['outputNames'] & object, kind = 'state') =>
      applyOverrides(intent(kind), { outputNames }).silver?.artifactNames;
    expect(names({ current: 'c', history: 'h' })).toEqual({ state_current: 'c', state_history: 'h' });
    expect(names({ cdc: 'x' }, 'derived_event')).toEqual({ derived_events: 'x' });
    expect(names({ full: 'x' }, 'event')).toEqual({ events: 'x' });
    expect(usageOf(() => names({ cdc: 'x' }))).toContain('--cdc-output-name has no meaning');
    expect(usageOf(() => names({ full: 'x', cdc: 'y' }, 'event'))).toContain('a second name');
    expect(usageOf(() => names({ current: 'x', history: 'x' }))).toContain('both artifacts');
    const asScd1 = applyOverrides(intent('state'), { silverModel: 'scd1', outputNames: { full: 'x' } });
    expect(asScd1.silver?.artifactNames).toEqual({ state_current: 'x' });
  });

  test('of Silver are refused where there is no Silver', () => {
    expect(usageOf(() => applyOverrides(dataset(''), { silverBase: '/s' }))).toContain('no silver section');
    expect(applyOverrides(INTENT, { loadPattern: 'cdc', writeCsv: true }).silver).toMatchObject({
      model: 'state_scd2',
      formats: { parquet: true, csv: true },
    });
  });
});

describe('Silver without a config', () => {
  const path = '/lake/env=dev/system=my/table=orders%20x/pattern=current_history/dt=2025-11-14/';
  const flags = { silverBase: './s', primaryKeys: ['order_id'], orderColumn: 'updated_at' };

  test('takes names and pattern from the folders of the Bronze path', () => {
    expect(adHocSilverSpec(path, flags)).toMatchObject({
      domain: 'my',
      entity: 'orders x',
      base: './s',
      model: 'scd_type_2',
      keys: ['order_id'],
      orderColumn: 'updated_at',
      formats: { parquet: true, csv: false, compression: 'snappy' },
    });
    expect(adHocSilver(path, flags)).toMatchObject({
      name: 'my.orders x',
      environment: 'dev',
      bronze: { enabled: false, system: 'my', table: 'orders x', loadPattern: 'current_history' },
    });
    expect(adHocSilverSpec(path, { ...flags, loadPattern: 'cdc' }).model).toBe('incremental_merge');
    expect(adHocSilverSpec(path, { ...flags, silverModel: 'scd1' }).model).toBe('scd_type_1');
  });

  test('is refused where a name, the base or the keys are missing', () => {
    expect(usageOf(() => adHocSilverSpec('/lake/dt=2025-11-14', flags))).toContain('no system= folder');
    expect(usageOf(() => adHocSilverSpec('/lake/system=a/dt=2025-11-14', flags))).toContain(
      'no table= folder',
    );
    expect(usageOf(() => adHocSilverSpec('/lake/system=a/table=..%2Fb', flags))).toContain(
      'no table= folder',
    );
    expect(usageOf(() => adHocSilverSpec(path, { primaryKeys: ['a'] }))).toContain('--silver-base');
    expect(usageOf(() => adHocSilverSpec(path, { silverBase: './s' }))).toContain(
      '--primary-key is required',
    );
  });
});
