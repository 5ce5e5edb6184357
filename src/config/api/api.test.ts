import { describe, expect, test } from 'bun:test';
import { parseConfig, problemsOf, warningsOf } from '../load.ts';
import type { ApiSourceSpec } from './spec.ts';

const intent = (api: object, bronze: object = {}) => ({
  system: 's',
  entity: 't',
  bronze: { source_type: 'api', options: { load_pattern: 'cdc', api }, ...bronze },
  silver: { entity_kind: 'state', natural_keys: ['id'], change_ts_column: 'ts' },
});
const classic = (api: object, run: object = {}) => ({
  config_version: 1,
  platform: { bronze: { storage_backend: 'local' } },
  source: { type: 'api', system: 's', table: 't', api, run },
});
const BASE = { base_url: 'https://x.example', endpoint: '/rows' };

const load = (config: object) => parseConfig('c.yaml', JSON.stringify(config), {});
function specOf(config: object): ApiSourceSpec {
  const source = load(config).datasets[0]?.bronze.source;
  if (source?.type !== 'api') throw new Error('no API');
  return source;
}
function refused(config: object): string[] {
  try {
    load(config);
  } catch (error) {
    return problemsOf(error).map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}
const warned = (config: object): string[] => {
  try {
    return load(config).warnings.map(({ path }) => path);
  } catch (error) {
    return warningsOf(error).map(({ path }) => path);
  }
};

describe('an API', () => {
  test('says the same in both dialects', () => {
    const api = {
      ...BASE,
      pagination: { type: 'cursor', next_token_path: 'meta[0].next' },
      data_path: 'a.b',
    };
    expect(specOf(intent(api))).toEqual(specOf(classic(api)));
    expect(specOf(classic(api))).toMatchObject({
      base: { url: 'https://x.example' },
      pagination: { type: 'cursor', cursorParam: 'cursor', from: { path: ['meta', '0', 'next'] } },
      recordsPath: ['a', 'b'],
    });
  });

  test('takes what run says where it says nothing itself, with its own words first', () => {
    const run = { timeout_seconds: 5, rate_limit_rps: 2, max_retry_attempts: 7, retry_base_delay: 20 };
    expect(specOf(classic(BASE, run))).toMatchObject({
      timeouts: { idleMs: 5000 },
      rateLimit: { rps: 2 },
      retry: { attempts: 7, baseMs: 20_000, capMs: 20_000 },
    });
    const own = {
      ...BASE,
      timeouts: { idle_seconds: 1 },
      rate_limit: { rps: 9, burst: 3 },
      retry: { max_attempts: 2, base_delay: 0.1 },
    };
    expect(specOf(classic(own, run))).toMatchObject({
      timeouts: { idleMs: 1000 },
      rateLimit: { rps: 9, burst: 3 },
      retry: { attempts: 2, baseMs: 100, capMs: 8000 },
    });
  });

  test('takes its address from connection_name and its endpoint from source_query, unless it has its own', () => {
    const beside = { connection_name: 'SHOP_URL', source_query: '/orders' };
    expect(specOf(intent({}, beside))).toMatchObject({ base: { env: 'SHOP_URL' }, endpoint: '/orders' });
    expect(specOf(intent(BASE, beside))).toMatchObject({
      base: { url: 'https://x.example' },
      endpoint: '/rows',
    });
    expect(warned(intent(BASE, beside))).toEqual(['bronze.connection_name', 'bronze.source_query']);
  });

  test('keeps what is called like a secret out of plain sight', () => {
    const api = {
      ...BASE,
      headers: { 'X-Api-Key': 'hush', Accept: 'a/b' },
      params: { token: 'hush', limit: 5 },
    };
    const spec = specOf(classic(api));
    expect(JSON.stringify(spec)).not.toContain('hush');
    expect([spec.headers.Accept, spec.params.limit]).toEqual(['a/b', '5']);
  });

  test.each<[object, string]>([
    [{}, 'source.api.base_url: an API requires base_url or base_url_env'],
    [
      { base_url: 'x.example' },
      'source.api.base_url: base_url must be a URL that begins with http:// or https://',
    ],
    [{ base_url: 'ftp://x.example' }, 'must be a URL that begins with http:// or https://'],
    [{ base_url: 'https://u:p@x.example' }, 'must not hold a user or password'],
    [{ ...BASE, url: 'https://y.example' }, 'source.api.url: base_url says this already'],
    [{ ...BASE, endpoint: 'https://y.example/rows' }, 'the endpoint is a path below the base URL'],
    [{ ...BASE, data_path: 'a', records_path: 'b' }, 'source.api.records_path: data_path says this already'],
    [{ ...BASE, data_path: 'a..b' }, 'data_path must be a path such as result.items'],
    [{ ...BASE, auth_type: 'bearer' }, 'authentication of type bearer requires auth_token_env'],
    [{ ...BASE, auth: { type: 'basic', username_env: 'U' } }, 'requires password_env or password_file'],
    [{ ...BASE, auth: { type: 'bearer', token_env: 'T', token_file: 'f' } }, 'token_env says this already'],
    [{ ...BASE, auth: { type: 'none' }, auth_type: 'none' }, 'source.api.auth_type: auth says this already'],
    [{ ...BASE, auth: { type: 'bearer', token: 'secret' } }, 'source.api.auth.token: unknown key'],
    [{ ...BASE, pagination: { type: 'pages' } }, 'must be one of none, offset, page'],
    [{ ...BASE, pagination: { type: 'page', page_sise: 3 } }, 'did you mean "page_size"'],
    [{ ...BASE, pagination: { type: 'page', page_size: 0 } }, 'page_size must be a positive integer'],
    [{ ...BASE, pagination: { type: 'page', parameters_in: 'body' } }, 'only where the method is POST'],
    [{ ...BASE, method: 'delete' }, 'the method must be one of get, post'],
    [
      { ...BASE, method: 'post', body_format: 'form', body: { a: [1] } },
      'a form takes texts and numbers only',
    ],
    [{ ...BASE, headers: { 'a b': 'c' } }, 'this is no name of a header'],
    [{ ...BASE, tls: { cert_file: 'c' } }, 'source.api.tls.key_file: cert_file and key_file go together'],
    [{ ...BASE, rate_limit: { rps: 0 } }, 'rps must be a number greater than 0'],
    [{ ...BASE, retry: { statuses: [200] } }, 'statuses are from 400 to 599, got 200'],
    [{ ...BASE, types: { a: 'nothing' } }, 'is not a type'],
    [{ ...BASE, incremental: { cursor_param: 's' } }, "requires 'cursor_field'"],
    [{ ...BASE, cursor_field: 'a', incremental: { cursor_field: 'b' } }, 'differs from that of the API'],
  ])('is refused as %j', (api, message) => {
    const problems = refused(classic(api));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  test.each<[object, string[]]>([
    [{ auth: { type: 'none', token_env: 'T' } }, ['source.api.auth.token_env']],
    [{ auth_key_header: 'X' }, ['source.api.auth_key_header']],
    [{ pagination: { type: 'cursor', page_size: 5 } }, ['source.api.pagination.page_size']],
    [{ pagination: { type: 'none', max_pages: 5 } }, ['source.api.pagination.max_pages']],
    [{ body: { a: 1 } }, ['source.api.body']],
    [{ tls: { verify: false, ca_file: 'c' } }, ['source.api.tls.verify', 'source.api.tls.ca_file']],
    [{ async: false, max_concurrency: 2 }, ['source.api.max_concurrency']],
  ])('is warned of %j', (api, paths) => {
    expect(warned(classic({ ...BASE, ...api }))).toEqual(paths);
  });

  test('that is cut off and read incrementally is warned of', () => {
    const api = {
      ...BASE,
      cursor_field: 'ts',
      incremental: {},
      pagination: { type: 'page', max_records: 5 },
    };
    expect(warned(intent(api))).toEqual(['bronze.options.api.pagination.max_records']);
  });

  test('with a cursor_field alone records it; with incremental it goes on from there', () => {
    const of = (api: object) => load(intent({ ...BASE, ...api })).datasets[0]?.bronze.incremental;
    expect(of({})).toBeUndefined();
    expect(of({ cursor_field: 'ts' })).toEqual({ column: 'ts', nullRows: 'include', recordOnly: true });
    expect(of({ cursor_field: 'ts', incremental: { enabled: false } })).toHaveProperty('recordOnly');
    const incremental = {
      cursor_field: 'ts',
      cursor_param: 'since',
      initial_cursor_value: 5,
      lookback: '2h',
    };
    expect(of({ incremental })).toEqual({
      column: 'ts',
      initialValue: '5',
      lookback: '2h',
      nullRows: 'include',
    });
  });
});
