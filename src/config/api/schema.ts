import * as v from 'valibot';
import { incrementalOptions } from '../incremental.ts';
import * as kit from '../yaml/schema-kit.ts';
import { CURSOR_FORMATS, PAGINATION_TYPES } from './spec.ts';

const envName = (what: string) => kit.optional(`Environment variable that holds ${what}.`, kit.text);
const secretFile = (what: string) => kit.optional(`File that holds ${what}.`, kit.text);

export const AUTH_TYPES = [
  'none',
  'bearer',
  'api_key',
  'basic',
  'oauth2_client_credentials',
  'oauth2_refresh_token',
  'aws_sigv4',
] as const;

const authType = kit.choice(AUTH_TYPES);
const SCALAR = 'must be a text, a number, or true or false';
const scalars = v.record(
  v.string(),
  v.union([kit.text, v.number(), v.boolean()], SCALAR),
  'must be a mapping',
);

const auth = kit.section({
  type: kit.required('How requests prove who they are.', authType),
  token_env: envName('the token, for `bearer`'),
  token_file: secretFile('the token, for `bearer`'),
  key_env: envName('the key, for `api_key`'),
  key_file: secretFile('the key, for `api_key`'),
  key_header: kit.optional('Header that carries the key.', kit.text, { fallback: '`X-API-Key`' }),
  key_param: kit.optional('Query parameter that carries the key, instead of a header.', kit.text),
  username_env: envName('the user name, for `basic`'),
  username_file: secretFile('the user name, for `basic`'),
  password_env: envName('the password, for `basic`'),
  password_file: secretFile('the password, for `basic`'),
  token_url: kit.optional('Where tokens are had, for OAuth 2.0.', kit.text),
  client_id: kit.optional('The client id, for OAuth 2.0.', kit.text),
  client_id_env: envName('the client id'),
  client_secret_env: envName('the client secret'),
  client_secret_file: secretFile('the client secret'),
  client_auth: kit.optional(
    'Whether client id and secret go to the token URL by HTTP basic authentication or in the body.',
    kit.choice(['basic', 'body']),
    { fallback: '`basic`' },
  ),
  refresh_token_env: envName('the refresh token, for `oauth2_refresh_token`'),
  refresh_token_file: secretFile('the refresh token, for `oauth2_refresh_token`'),
  scopes: kit.optional('Scopes to ask for.', kit.textOrList, { fallback: '`[]`' }),
  audience: kit.optional('Audience to ask for.', kit.text),
  region: kit.optional('AWS region, for `aws_sigv4`.', kit.text),
  service: kit.optional('AWS service, for `aws_sigv4`.', kit.text, { fallback: '`execute-api`' }),
  access_key_id_env: kit.optional('Environment variable that holds the access key id.', kit.text, {
    fallback: '`AWS_ACCESS_KEY_ID`',
  }),
  secret_access_key_env: kit.optional('Environment variable that holds the secret access key.', kit.text, {
    fallback: '`AWS_SECRET_ACCESS_KEY`',
  }),
  session_token_env: kit.optional(
    'Environment variable that holds the session token, if there is one.',
    kit.text,
    {
      fallback: '`AWS_SESSION_TOKEN`',
    },
  ),
});

const pagination = kit.section({
  type: kit.optional('How an answer leads to the next one.', kit.choice(PAGINATION_TYPES), {
    fallback: '`none`: one request',
  }),
  page_size: kit.optional('Records asked for at a time, for `offset` and `page`.', kit.positiveInteger, {
    fallback: '`100`',
  }),
  offset_param: kit.optional('Parameter of the offset.', kit.text, { fallback: '`offset`' }),
  limit_param: kit.optional('Parameter of the page size, for `offset`.', kit.text, { fallback: '`limit`' }),
  page_param: kit.optional('Parameter of the page number.', kit.text, { fallback: '`page`' }),
  page_size_param: kit.optional('Parameter of the page size, for `page`.', kit.text, {
    fallback: '`page_size`',
  }),
  start_page: kit.optional('Number of the first page; 0 where pages count from zero.', kit.count, {
    fallback: '`1`',
  }),
  total_pages_path: kit.optional('Path to the number of pages, for `page`.', kit.text),
  stop_on_short_page: kit.optional(
    '`true`: the first page with fewer records than were asked for is the last; `false`: only an empty page is.',
    kit.flag,
    { fallback: 'a page shorter than a longer one before it is the last' },
  ),
  cursor_param: kit.optional('Parameter of the cursor.', kit.text, { fallback: '`cursor`' }),
  cursor_path: kit.optional('Path to the next cursor.', kit.text, { fallback: '`next_cursor`' }),
  next_token_path: kit.optional('Another name of `cursor_path`.', kit.text),
  cursor_header: kit.optional('Header that holds the next cursor, instead of a path.', kit.text),
  next_url_path: kit.optional('Path to the URL of the next page, for `next_url`.', kit.text, {
    fallback: '`next`',
  }),
  key_field: kit.optional(
    'Member of the last record that the next request begins after, for `keyset`.',
    kit.text,
    {
      fallback: '`id`',
    },
  ),
  key_param: kit.optional('Parameter of that value, for `keyset`.', kit.text, { fallback: '`since_id`' }),
  parameters_in: kit.optional(
    'Whether page parameters go into the query or into the body.',
    kit.choice(['query', 'body']),
    { fallback: '`query`' },
  ),
  max_records: kit.optional('Land this many records at most; 0 means no limit.', kit.count, {
    fallback: '`0`',
  }),
  max_pages: kit.optional('Read this many pages at most; 0 means no limit.', kit.count, { fallback: '`0`' }),
  has_more_path: kit.optional('Path to whether there are more pages.', kit.text),
  total_path: kit.optional('Path to the number of all records; what landed is compared with it.', kit.text),
  total_header: kit.optional('Header with the number of all records, instead of a path.', kit.text),
  on_total_mismatch: kit.optional(
    'What to do when the number of records is not the stated one.',
    kit.choice(['error', 'warn']),
    { fallback: '`error`' },
  ),
  on_repeated_page: kit.optional(
    'What a page with the same records as an earlier one means: an `error`, that the end is reached if it is the page right before (`stop`), or nothing (`allow`).',
    kit.choice(['error', 'stop', 'allow']),
    { fallback: '`error`' },
  ),
});

const retry = kit.section({
  max_attempts: kit.optional('Attempts of a request.', kit.positiveInteger, {
    fallback: '`run.max_retry_attempts`, else 5',
  }),
  base_delay: kit.optional(
    'Seconds before the second attempt; doubled before each further one.',
    kit.aboveZero,
    {
      fallback: '`run.retry_base_delay`, else 0.5',
    },
  ),
  max_delay: kit.optional('The longest such wait, in seconds.', kit.aboveZero, { fallback: '`8`' }),
  jitter: kit.optional('Share of a wait by which it is longer or shorter, 0 to 1.', kit.share, {
    fallback: '`0.2`',
  }),
  max_retry_after: kit.optional('The longest wait that the API may ask for, in seconds.', kit.aboveZero, {
    fallback: '`120`',
  }),
  deadline_seconds: kit.optional('Time for all attempts of a request together.', kit.aboveZero, {
    fallback: '`900`',
  }),
  statuses: kit.optional(
    'Statuses that are worth another attempt.',
    v.array(kit.positiveInteger, 'must be a list of statuses'),
    {
      fallback: '408, 425, 429 and all from 500',
    },
  ),
});

const incremental = kit.section({
  ...incrementalOptions,
  cursor_field: kit.optional('Column that only grows.', kit.text, { fallback: '`api.cursor_field`' }),
  cursor_param: kit.optional('Parameter that asks for the records at and after the cursor.', kit.text, {
    fallback: 'the API is asked for everything, and what has landed is left out',
  }),
  format: kit.optional('How the cursor is written in the parameter.', kit.choice(CURSOR_FORMATS), {
    fallback: '`text`: as Bronze has it, times as in ISO 8601',
  }),
  initial_cursor_value: kit.optional('Older name of `initial_value`.', kit.textOrNumber),
});

/** Keys of `source.api` and of `bronze.options.api`. */
export const apiSchema = kit.section({
  base_url: kit.optional('URL that the endpoint follows.', kit.text),
  base_url_env: envName('the base URL, instead of `base_url`'),
  url: kit.optional('Older name of `base_url`.', kit.text),
  endpoint: kit.optional(
    'Path of the records, and what else stands in their URL. `{date}`, `{yyyy}`, `{mm}` and `{dd}` are taken from the run date, also in `params` and `body`.',
    kit.text,
    {
      fallback: '`/`',
    },
  ),
  method: kit.optional('HTTP method.', kit.choice(['get', 'post']), { fallback: '`GET`' }),
  headers: kit.optional('Headers of each request.', kit.textMap, { fallback: '`{}`' }),
  params: kit.optional('Query parameters of each request.', scalars, { fallback: '`{}`' }),
  body: kit.optional('Body of each request, for POST.', kit.anyMapping),
  body_format: kit.optional('How the body is written.', kit.choice(['json', 'form']), { fallback: '`json`' }),
  auth: kit.optional('How requests prove who they are.', auth, { fallback: '`auth_type` and its keys' }),
  auth_type: kit.optional('Same as `auth.type`.', authType, { fallback: '`none`' }),
  auth_token_env: kit.optional('Same as `auth.token_env`.', kit.text),
  auth_key_env: kit.optional('Same as `auth.key_env`.', kit.text),
  auth_key_header: kit.optional('Same as `auth.key_header`.', kit.text),
  auth_key_name: kit.optional('Another name of `auth_key_header`.', kit.text),
  auth_username_env: kit.optional('Same as `auth.username_env`.', kit.text),
  auth_password_env: kit.optional('Same as `auth.password_env`.', kit.text),
  pagination: kit.optional('How all pages are read.', pagination, { fallback: 'one request' }),
  data_path: kit.optional(
    'Path to the records: names and list indexes, as `result.items` or `pages[0].rows`.',
    kit.text,
    { fallback: 'the answer itself, or its `items`, `data`, `results` or `records`' },
  ),
  records_path: kit.optional('Another name of `data_path`.', kit.text),
  error_path: kit.optional(
    'Path whose value makes an answer an error, whatever its status, unless it is null, false, 0, or empty.',
    kit.text,
  ),
  types: kit.optional('Types of columns, `{column: type}`; all others are inferred.', kit.textMap, {
    fallback: '`{}`',
  }),
  columns: kit.optional(
    'The columns to land, in this order. A name that the records lack gives NULLs.',
    kit.textList,
    { fallback: 'all' },
  ),
  keep_raw: kit.optional('Keep the answers as they came, beside the parts.', kit.flag, {
    fallback: '`false`',
  }),
  cursor_field: kit.optional('Column whose greatest value is recorded with the partition.', kit.text),
  incremental: kit.optional('Landing only what is new.', incremental, { fallback: 'off' }),
  timeouts: kit.optional(
    'How long to wait.',
    kit.section({
      connect_seconds: kit.optional('For a connection.', kit.aboveZero, { fallback: '`idle_seconds`' }),
      idle_seconds: kit.optional('Without any byte of an answer.', kit.aboveZero, {
        fallback: '`run.timeout_seconds`, else 30',
      }),
      total_seconds: kit.optional('For one attempt as a whole.', kit.aboveZero, { fallback: '`600`' }),
    }),
  ),
  retry: kit.optional('When to try again.', retry),
  rate_limit: kit.optional(
    'How fast to ask.',
    kit.section({
      rps: kit.required('Requests a second.', kit.aboveZero),
      burst: kit.optional('Requests that may go out at once after a pause.', kit.positiveInteger, {
        fallback: 'one second’s worth',
      }),
    }),
    { fallback: '`run.rate_limit_rps`, else the variable BRONZE_API_RPS, else no limit' },
  ),
  tls: kit.optional(
    'How the server’s certificate is checked, and our own.',
    kit.section({
      verify: kit.optional('`false` accepts any certificate: for tests only.', kit.flag, {
        fallback: '`true`',
      }),
      ca_file: kit.optional('Certificates (PEM) of the authorities to trust.', kit.text, {
        fallback: 'the system’s',
      }),
      cert_file: kit.optional('Our certificate (PEM).', kit.text),
      key_file: kit.optional('Its private key (PEM).', kit.text),
    }),
  ),
  async: kit.optional(
    'Ask for the next pages ahead of time, where the scheme allows it. The variable BRONZE_ASYNC_HTTP, where it is set, wins.',
    kit.flag,
    { fallback: '`false`' },
  ),
  max_concurrency: kit.optional('Pages under way at a time, with `async`.', kit.positiveInteger, {
    fallback: '`5`',
  }),
});

export type ApiOptions = v.InferOutput<typeof apiSchema>;
