import { Secret } from '../../core/secret.ts';
import { checkColumns } from '../rules.ts';
import { checkColumnTypes, columnTypes } from '../silver/column-types.ts';
import type { LoadPattern, PartitionStrategy } from '../spec.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import { apiAuth, checkAuth } from './auth.ts';
import { checkApiIncremental, cursorSending } from './incremental.ts';
import { apiPagination, checkJsonPath, checkPagination, jsonPath } from './pagination.ts';
import type { ApiOptions } from './schema.ts';
import type { ApiSourceSpec } from './spec.ts';
import { checkUrl } from './url.ts';

/** What both dialects say of an API outside of its section. */
export interface ApiSurroundings {
  /** Environment variable of the base URL, where the section has no base URL. */
  readonly connectionName?: string | undefined;
  /** Endpoint, where the section has none. */
  readonly sourceQuery?: string | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly rateLimitRps?: number | undefined;
  readonly maxRetryAttempts?: number | undefined;
  readonly retryBaseDelay?: number | undefined;
  readonly strategy?: PartitionStrategy | undefined;
  readonly loadPattern?: LoadPattern | undefined;
}

/** Where the keys of an API stand; the two dialects differ. */
export interface ApiPlaces {
  readonly api: ConfigPath;
  readonly connectionName?: ConfigPath;
  readonly sourceQuery?: ConfigPath;
}

/** The rules of APIs that need more than one key, or more than a type. */
export function checkApi(
  api: Partly<ApiOptions>,
  around: ApiSurroundings,
  places: ApiPlaces,
  report: Report,
): void {
  const at = (key: keyof ApiOptions): ConfigPath => [...places.api, key];
  checkBase(api, around, places, report);
  checkTwice(api, at, 'data_path', 'records_path', report);
  for (const key of ['data_path', 'records_path', 'error_path'] as const)
    checkJsonPath(api[key], at(key), report);
  const method = api.method ?? 'get';
  for (const key of ['body', 'body_format'] as const) {
    if (api[key] !== undefined && method === 'get')
      report.warn(at(key), `'${key}' has no effect where the method is GET`);
  }
  checkFormBody(api, at('body'), report);
  checkAuth(api, places.api, report);
  checkPagination(api.pagination ?? {}, method, at('pagination'), report);
  checkApiIncremental(
    api,
    places.api,
    { strategy: around.strategy, loadPattern: around.loadPattern },
    report,
  );
  checkColumns(api.columns, at('columns'), report, { atLeastOne: true });
  if (api.types !== undefined) checkColumnTypes(api.types, at('types'), report);
  checkHeaders(api.headers ?? {}, at('headers'), report);
  checkTls(api.tls ?? {}, at('tls'), report);
  if (api.max_concurrency !== undefined && api.async === false) {
    report.warn(at('max_concurrency'), "'max_concurrency' has no effect where async is false");
  }
  for (const status of api.retry?.statuses ?? []) {
    if (status < 400 || status > 599) {
      report.invalid([...at('retry'), 'statuses'], `statuses are from 400 to 599, got ${status}`);
    }
  }
  const { base_delay: base, max_delay: cap } = api.retry ?? {};
  if (base !== undefined && cap !== undefined && cap < base) {
    report.invalid([...at('retry'), 'max_delay'], 'max_delay must not be less than base_delay');
  }
}

function checkTwice(
  api: Partly<ApiOptions>,
  at: (key: keyof ApiOptions) => ConfigPath,
  first: keyof ApiOptions,
  second: keyof ApiOptions,
  report: Report,
): void {
  if (api[first] === undefined || api[second] === undefined) return;
  report.invalid(at(second), `${first} says this already; keep one of them`, 'key');
}

function checkBase(
  api: Partly<ApiOptions>,
  { connectionName, sourceQuery }: ApiSurroundings,
  places: ApiPlaces,
  report: Report,
): void {
  const at = (key: keyof ApiOptions): ConfigPath => [...places.api, key];
  checkUrl(api.base_url, at('base_url'), report);
  checkUrl(api.url, at('url'), report);
  checkTwice(api, at, 'base_url', 'url', report);
  checkTwice(api, at, 'base_url', 'base_url_env', report);
  const given = api.base_url ?? api.url ?? api.base_url_env;
  if (given === undefined && connectionName === undefined && !report.isMuted(at('base_url'))) {
    const or = places.connectionName === undefined ? '' : ', or connection_name beside it';
    report.invalid(at('base_url'), `an API requires base_url or base_url_env${or}`, 'key');
  }
  if (given !== undefined && connectionName !== undefined && places.connectionName !== undefined) {
    report.warn(places.connectionName, "'connection_name' has no effect beside a base URL of the API");
  }
  if (api.endpoint !== undefined && sourceQuery !== undefined && places.sourceQuery !== undefined) {
    report.warn(places.sourceQuery, "'source_query' has no effect beside an endpoint of the API");
  }
  for (const key of ['base_url_env', 'endpoint'] as const) {
    if (api[key]?.trim() === '') report.invalid(at(key), `${key} must not be empty`);
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(api.endpoint ?? '')) {
    report.invalid(at('endpoint'), 'the endpoint is a path below the base URL, not a URL of its own');
  }
}

/** A form has texts only. */
function checkFormBody(api: Partly<ApiOptions>, at: ConfigPath, report: Report): void {
  if (api.body_format !== 'form') return;
  for (const [name, value] of Object.entries(api.body ?? {})) {
    if (typeof value === 'object' && value !== null)
      report.invalid([...at, name], `a form takes texts and numbers only, and ${name} is neither`);
  }
}

function checkHeaders(
  headers: Readonly<Record<string, string | undefined>>,
  at: ConfigPath,
  report: Report,
): void {
  for (const [name, value] of Object.entries(headers)) {
    // RFC 9110, section 5.6.2.
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name))
      report.invalid([...at, name], 'this is no name of a header', 'key');
    else if (/[\r\n\0]/.test(value ?? '')) report.invalid([...at, name], 'a header must not hold line ends');
  }
}

function checkTls(tls: NonNullable<Partly<ApiOptions>['tls']>, at: ConfigPath, report: Report): void {
  if (tls.verify === false) {
    report.warn(
      [...at, 'verify'],
      'verify: false accepts any certificate: whoever is in between can read and change everything',
    );
    if (tls.ca_file !== undefined)
      report.warn([...at, 'ca_file'], "'ca_file' has no effect beside verify: false");
  }
  if ((tls.cert_file === undefined) !== (tls.key_file === undefined)) {
    const missing = tls.cert_file === undefined ? 'cert_file' : 'key_file';
    report.invalid([...at, missing], `cert_file and key_file go together; ${missing} is missing`, 'key');
  }
}

const SECRET_NAME =
  /authorization|cookie|secret|token|passw|api[-_]?key|access[-_]?key|signature|credential/i;

/** What is called like a secret is one, wherever its value came from. */
function guarded(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string | Secret>> {
  const entries = Object.entries(values).map(([name, value]) => {
    const text = String(value);
    return [name, SECRET_NAME.test(name) ? new Secret(text) : text] as const;
  });
  return Object.fromEntries(entries);
}

const MS = 1000;

/** The source of options that `checkApi` found no problem in. */
export function apiSource(api: ApiOptions, around: ApiSurroundings): ApiSourceSpec {
  const url = api.base_url ?? api.url;
  const recordsPath = api.data_path ?? api.records_path;
  const rps = api.rate_limit?.rps ?? around.rateLimitRps;
  const incremental = cursorSending(api);
  const { retry = {}, timeouts = {}, tls } = api;
  return {
    type: 'api',
    base: url === undefined ? { env: api.base_url_env ?? around.connectionName ?? '' } : { url },
    endpoint: api.endpoint ?? around.sourceQuery ?? '/',
    method: api.method === 'post' ? 'POST' : 'GET',
    headers: guarded(api.headers ?? {}),
    params: guarded(api.params ?? {}),
    ...(api.method === 'post' && { body: { format: api.body_format ?? 'json', members: api.body ?? {} } }),
    auth: apiAuth(api),
    pagination: apiPagination(api.pagination),
    ...(recordsPath !== undefined && { recordsPath: jsonPath(recordsPath) }),
    ...(api.error_path !== undefined && { errorPath: jsonPath(api.error_path) }),
    timeouts: {
      ...(timeouts.connect_seconds !== undefined && { connectMs: timeouts.connect_seconds * MS }),
      idleMs: (timeouts.idle_seconds ?? around.timeoutSeconds ?? 30) * MS,
      totalMs: (timeouts.total_seconds ?? 600) * MS,
    },
    retry: {
      attempts: retry.max_attempts ?? around.maxRetryAttempts ?? 5,
      baseMs: (retry.base_delay ?? around.retryBaseDelay ?? 0.5) * MS,
      capMs: Math.max(retry.max_delay ?? 8, retry.base_delay ?? around.retryBaseDelay ?? 0) * MS,
      jitter: retry.jitter ?? 0.2,
      afterCapMs: (retry.max_retry_after ?? 120) * MS,
      deadlineMs: (retry.deadline_seconds ?? 900) * MS,
      ...(retry.statuses !== undefined && { statuses: retry.statuses }),
    },
    ...(rps !== undefined && {
      rateLimit: { rps, ...(api.rate_limit?.burst !== undefined && { burst: api.rate_limit.burst }) },
    }),
    ...(tls !== undefined && {
      tls: {
        verify: tls.verify ?? true,
        ...(tls.ca_file !== undefined && { caFile: tls.ca_file }),
        ...(tls.cert_file !== undefined && { certFile: tls.cert_file }),
        ...(tls.key_file !== undefined && { keyFile: tls.key_file }),
      },
    }),
    ...(api.async !== undefined && { isConcurrent: api.async }),
    maxConcurrency: api.max_concurrency ?? 5,
    types: columnTypes(api.types ?? {}),
    ...(api.columns !== undefined && { columns: api.columns }),
    keepRaw: api.keep_raw ?? false,
    ...(incremental !== undefined && { incremental }),
  };
}
