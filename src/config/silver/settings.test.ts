import { describe, expect, test } from 'bun:test';
import { parseConfig } from '../load.ts';
import { problemsOf } from '../yaml/problems.ts';

const CLASSIC =
  'config_version: 1\nplatform: {bronze: {storage_backend: local}}\nsource: {system: s, table: t, file: {path: a.csv}}\n';
const intent = (silver: string) =>
  `{system: s, entity: t, bronze: {path_pattern: a.csv}, silver: {natural_keys: [id], ${silver}}}`;
const STATE = 'entity_kind: state, change_ts_column: at';
const classic = (silver: string) =>
  `${CLASSIC}silver: {model: scd2, primary_keys: [id], order_column: at, ${silver}}`;

const load = (text: string) => parseConfig('c.yaml', text, {});
const silver = (text: string) => load(text).datasets[0]?.silver;
const warnings = (text: string) => load(text).warnings.map((warning) => warning.message);

function problems(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    return problemsOf(error).map(({ path, message }) => `${path}: ${message}`);
  }
  throw new Error('the config was accepted');
}

describe('operation codes', () => {
  test('are I, U, R and D unless written, trimmed, in both dialects', () => {
    for (const config of [classic, (text: string) => intent(`${STATE}, ${text}`)]) {
      expect(silver(config('cdc: {operation_column: op}'))?.cdc).toEqual({
        operationColumn: 'op',
        live: ['I', 'U', 'R'],
        deleted: ['D'],
      });
      expect(
        silver(
          config(
            'cdc: {operation_column: op, insert: [c, " i "], update: [], delete: x, read: r, refresh: s}',
          ),
        )?.cdc,
      ).toEqual({ operationColumn: 'op', live: ['c', 'i', 'r', 's'], deleted: ['x'] });
    }
  });

  test('that are empty, or say two things, are refused', () => {
    expect(problems(classic('cdc: {insert: [I]}'))[0]).toContain('silver.cdc.operation_column');
    expect(problems(classic('cdc: {operation_column: " "}'))[0]).toContain('must not be empty');
    expect(problems(classic('cdc: {operation_column: op, delete: [" "]}'))[0]).toContain('silver.cdc.delete');
    expect(problems(classic('cdc: {operation_column: op, delete: [U]}'))[0]).toContain('"U"');
    expect(problems(classic('cdc: {operation: op}'))[0]).toContain('silver.cdc');
  });
});

test('settings that change nothing are told', () => {
  expect(warnings(`${CLASSIC}silver: {cdc: {operation_column: op}}`)).toEqual([
    "'cdc' has no effect unless the model picks rows by key",
  ]);
  expect(warnings(classic('detect_missing: true'))).toEqual([
    "'detect_missing' has no effect unless input_scope is history",
  ]);
  const history = 'detect_missing: true, input_scope: history';
  expect(warnings(classic(history))).toEqual([
    "'detect_missing' has no effect unless delete_mode says what becomes of deleted keys",
  ]);
  expect(warnings(classic(`${history}, delete_mode: tombstone`))).toEqual([]);
  const events = 'entity_kind: event, event_ts_column: at, input_scope: history';
  expect(warnings(intent(`${events}, detect_missing: true`))[0]).toContain('is no log of events');
});

test('every valid combination of an intent is a model of its own', () => {
  const scopes = ['partition', 'history'];
  const schemas = ['strict', 'allow_new_columns'];
  const kinds = [
    ...['state', 'derived_state'].map((kind) => ({
      kind,
      time: 'change_ts_column',
      modes: ['', 'history_mode: scd2', 'history_mode: scd1', 'history_mode: latest_only'],
      deletes: ['ignore', 'tombstone_state', 'tombstone', 'hard_delete'],
    })),
    ...['event', 'derived_event'].map((kind) => ({
      kind,
      time: 'event_ts_column',
      modes: ['', 'input_mode: append_log', 'input_mode: replace_daily'],
      deletes: ['ignore', 'tombstone_event', 'hard_delete'],
    })),
  ];
  let count = 0;
  for (const { kind, time, modes, deletes } of kinds) {
    for (const mode of modes) {
      for (const deleteMode of deletes) {
        for (const scope of scopes) {
          for (const schema of schemas) {
            const found = silver(
              intent(
                `entity_kind: ${kind}, ${time}: at, delete_mode: ${deleteMode}, input_scope: ${scope}, schema_mode: ${schema}${mode === '' ? '' : `, ${mode}`}`,
              ),
            );
            const isState = kind.endsWith('state');
            const single = mode.endsWith('scd1') || mode.endsWith('latest_only');
            expect(found?.model).toBe(
              isState ? (single ? 'state_scd1' : 'state_scd2') : (kind as 'event' | 'derived_event'),
            );
            expect(found).toMatchObject({ entityKind: kind, schemaMode: schema, inputScope: scope });
            count += 1;
          }
        }
      }
    }
  }
  expect(count).toBe(2 * 4 * 4 * 4 + 2 * 3 * 3 * 4);
});

describe('names of files', () => {
  test('reach the artifacts of both dialects', () => {
    const four = 'full_output_name: f, cdc_output_name: c, current_output_name: cu, history_output_name: h';
    expect(silver(classic(four))?.artifactNames).toEqual({
      full_snapshot: 'f',
      cdc_changes: 'c',
      current: 'cu',
      history: 'h',
    });
    const two = 'current_output_name: cu, history_output_name: h';
    expect(silver(intent(`${STATE}, ${two}`))?.artifactNames).toEqual({
      state_current: 'cu',
      state_history: 'h',
    });
    const events = 'event_ts_column: at, cdc_output_name: c';
    expect(silver(intent(`entity_kind: event, ${events}`))?.artifactNames).toEqual({ events: 'c' });
    expect(silver(intent(`entity_kind: derived_event, ${events}`))?.artifactNames).toEqual({
      derived_events: 'c',
    });
  });

  test('of artifacts that an intent does not write are told, and equal or rival ones are refused', () => {
    expect(warnings(intent(`${STATE}, cdc_output_name: c`))).toEqual([
      "'cdc_output_name' has no effect on the model state_scd2",
    ]);
    expect(problems(intent(`${STATE}, current_output_name: x, history_output_name: x`))[0]).toContain('"x"');
    expect(problems(classic('history_output_name: current'))[0]).toContain('"current"');
    const events = 'entity_kind: event, event_ts_column: at, full_output_name: a, cdc_output_name: b';
    expect(problems(intent(events))[0]).toContain('the same artifact events');
    expect(problems(intent(`${STATE}, current_output_name: ../x`))[0]).toContain('current_output_name');
  });
});
