import { describe, expect, test } from 'bun:test';
import { stringify } from 'yaml';
import { parseConfig, problemsOf } from '../load.ts';
import { qualifiedName } from './source.ts';

const classic = (db: unknown, run: unknown = { load_pattern: 'cdc' }): unknown => ({
  config_version: 1,
  platform: { bronze: { storage_backend: 'local' } },
  source: { type: 'db', system: 's', table: 't', db, run },
});

const intent = (bronze: object): unknown => ({
  system: 's',
  entity: 't',
  bronze: { source_type: 'db', ...bronze },
  silver: { entity_kind: 'state', natural_keys: ['id'], change_ts_column: 'ts' },
});

function load(config: unknown) {
  const { datasets, warnings } = parseConfig('c.yaml', stringify(config), {});
  const [dataset] = datasets;
  if (dataset?.bronze.source.type !== 'db') throw new Error('no database');
  return { source: dataset.bronze.source, incremental: dataset.bronze.incremental, warnings };
}

function problems(config: unknown): string[] {
  try {
    load(config);
    return [];
  } catch (error) {
    return problemsOf(error).map(({ path, message }) => `${path}: ${message}`);
  }
}

describe('both dialects', () => {
  test('say the same of a query', () => {
    const query = 'select * from orders where region = :region';
    const first = load(classic({ conn_str_env: 'ERP', base_query: query, params: { region: 'EU' } }));
    const second = load(
      intent({ connection_name: 'ERP', source_query: query, options: { db: { params: { region: 'EU' } } } }),
    );
    expect(second.source).toEqual(first.source);
    expect(first.source).toMatchObject({
      connectionEnv: 'ERP',
      query: { kind: 'query', sql: query },
      params: { region: 'EU' },
      fetchRows: 10_000,
      split: { workers: 1, consistency: 'snapshot' },
    });
  });

  test('workers, chunks and the cursor', () => {
    const db = { conn_str_env: 'ERP', table: 'sales.orders', partition_on: 'id', chunk_rows: 1000 };
    const { source, incremental } = load(
      classic(
        { ...db, incremental: { cursor_column: 'updated_at', lookback: '2h' } },
        { parallel_workers: 4, load_pattern: 'cdc' },
      ),
    );
    expect(source.query).toEqual({ kind: 'table', names: ['sales', 'orders'] });
    expect(source.split).toMatchObject({ workers: 4, column: 'id', chunkRows: 1000 });
    expect(incremental).toMatchObject({ column: 'updated_at', lookback: '2h', nullRows: 'include' });
  });

  test('the older names of the original mean the same', () => {
    const { source, incremental } = load(
      classic({
        conn_str_env: 'ERP',
        base_query: 'select 1',
        driver: 'pyodbc',
        batch_size: 5,
        incremental: { incremental_key: 'id' },
      }),
    );
    expect(source.fetchRows).toBe(5);
    expect(source.driver).toBeUndefined();
    expect(incremental?.column).toBe('id');
  });
});

describe('what is wrong is told by its key', () => {
  const base = { conn_str_env: 'ERP', base_query: 'select 1' };
  test.each([
    [
      classic({ base_query: 'select 1' }),
      "source.db.conn_str_env: a database source requires 'conn_str_env'",
    ],
    [
      classic({ conn_str_env: 'postgres://u:p@h/d', base_query: 'x' }),
      'must be the name of an environment variable',
    ],
    [classic({ conn_str_env: 'E' }), "requires 'base_query', or 'table'"],
    [classic({ ...base, table: 't' }), 'source.db.table: table and base_query are both given'],
    [classic({ ...base, columns: ['a'] }), "'columns' belongs to 'table'"],
    [classic({ conn_str_env: 'E', base_query: 'select 1; select 2' }), 'must be one statement'],
    [
      classic({ conn_str_env: 'E', base_query: 'select {{run_dte}}' }),
      '{{run_dte}} is not known (did you mean "run_date"?)',
    ],
    [classic({ conn_str_env: 'E', base_query: 'select :since' }), ':since needs an incremental section'],
    [
      classic({ conn_str_env: 'E', base_query: "select '{{run_date}}'" }),
      '{{run_date}} stands in quotes, where it is text',
    ],
    [classic({ ...base, params: { since: 'x' } }), 'has a meaning of its own'],
    [classic({ ...base, incremental: {} }), "incremental requires 'cursor_column'"],
    [classic({ ...base, consistency: 'chunk' }), "consistency: chunk needs 'partition_on'"],
    [classic({ ...base, driver: 'pymssql' }), "is called 'mssql'"],
    [classic({ ...base, driver: 'postgre' }), 'did you mean'],
    [
      intent({ source_query: 'select 1' }),
      "bronze.connection_name: a database source requires 'connection_name'",
    ],
    [
      intent({ connection_name: 'A', source_query: 'x', options: { db: { conn_str_env: 'B' } } }),
      'conn_str_env differs from bronze.connection_name',
    ],
  ])('%#', (config, message) => {
    const found = problems(config);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  test('and never shows a connection string that stands where its name belongs', () => {
    const [problem] = problems(classic({ conn_str_env: 'postgres://u:hunter2@h/d', base_query: 'x' }));
    expect(problem).not.toContain('hunter2');
  });
});

test('names of tables come apart at their points', () => {
  expect(qualifiedName('orders')).toEqual(['orders']);
  expect(qualifiedName('erp.sales.orders')).toEqual(['erp', 'sales', 'orders']);
  expect(qualifiedName('"Sales"."order.items"')).toEqual(['Sales', 'order.items']);
  expect(qualifiedName('[dbo].[a]]b]')).toEqual(['dbo', 'a]b']);
  expect(qualifiedName('orders; drop table x')).toBeUndefined();
  expect(qualifiedName('a..b')).toBeUndefined();
});
