import * as v from 'valibot';
import { incrementalOptions } from '../incremental.ts';
import * as kit from '../yaml/schema-kit.ts';

/** `pyodbc` is the original's name for: whatever the connection string says. */
export const DRIVER_NAMES = [
  'postgres',
  'postgresql',
  'mysql',
  'mariadb',
  'mssql',
  'sqlserver',
  'pyodbc',
  'pymssql',
] as const;

export const WIDE_DECIMALS = ['text', 'fail'] as const;
export const GEOMETRY_FORMS = ['wkb', 'wkt'] as const;
export const CONSISTENCIES = ['snapshot', 'chunk'] as const;

/** Keys of `source.db` and of `bronze.options.db`. */
export const databaseOptions = {
  conn_str_env: kit.optional(
    'Name of the environment variable that holds the connection string: a URL (`postgres://user:password@host/database`), or `Driver=…;Server=…;Database=…;UID=…;PWD=…`.',
    kit.text,
  ),
  driver: kit.optional(
    'The database: `postgres`, `mysql` (MariaDB too) or `mssql`. `pyodbc` means: as the connection string says.',
    kit.choice(DRIVER_NAMES),
    { fallback: 'as the connection string says' },
  ),
  base_query: kit.optional(
    'The query. Placeholders are bound as parameters: `:since`, `:until`, `{{run_date}}`, `{{start_date}}`, `{{end_date}}` and those of `params`.',
    kit.text,
  ),
  table: kit.optional('A table or view instead of a query: `orders`, `sales.orders`.', kit.text),
  columns: kit.optional('The columns of the table to land, in this order.', kit.textList, {
    fallback: 'all',
  }),
  params: kit.optional('Values of placeholders of your own, by name.', kit.textMap, { fallback: '`{}`' }),
  incremental: kit.optional(
    'Reads only what is new since the last run, by a cursor column.',
    kit.section({
      ...incrementalOptions,
      cursor_column: kit.optional('The column that grows: an id, or when a row was last changed.', kit.text),
      incremental_key: kit.optional('Older name of `cursor_column`.', kit.text),
      incremental_cursor_env: kit.optional('Belongs in `initial_value`, as `${NAME}`.', v.unknown(), {
        moved: 'initial_value, as ${NAME}',
      }),
    }),
    { fallback: 'off' },
  ),
  types: kit.optional(
    'Types instead of those that follow from the database’s, by column. `string` keeps the database’s own text, also of values that no type holds (`infinity`, numbers of 100 digits).',
    kit.textMap,
    { fallback: '`{}`' },
  ),
  wide_decimals: kit.optional(
    'Numbers without a declared precision, or of more than 38 digits: land as `text`, or refuse the column (`fail`).',
    kit.choice(WIDE_DECIMALS),
    { fallback: '`text`' },
  ),
  geometry: kit.optional(
    'Spatial values as well-known binary or well-known text.',
    kit.choice(GEOMETRY_FORMS),
    { fallback: '`wkb`' },
  ),
  timezone: kit.optional(
    'IANA zone of the source’s timestamps without a zone. They become instants then.',
    kit.text,
    { fallback: 'they stay without a zone' },
  ),
  fetch_batch_size: kit.optional('Rows that a server-side cursor gives at once.', kit.positiveInteger, {
    fallback: '`10000`',
  }),
  batch_size: kit.optional('Older name of `fetch_batch_size`.', kit.positiveInteger),
  connect_timeout_seconds: kit.optional('How long a connection may take.', kit.aboveZero, {
    fallback: '`30`',
  }),
  statement_timeout_seconds: kit.optional('How long one statement may take, on the server.', kit.aboveZero, {
    fallback: 'the server’s own',
  }),
  lock_timeout_seconds: kit.optional('How long a statement may wait for a lock.', kit.aboveZero, {
    fallback: '`30`',
  }),
  application_name: kit.optional('How the server’s administrators see the connections.', kit.text, {
    fallback: '`foundry`',
  }),
  max_attempts: kit.optional(
    'Tries, before a connection that cannot be had, or was lost, fails the run.',
    kit.positiveInteger,
    { fallback: '`3`' },
  ),
  partition_on: kit.optional(
    'The column whose ranges parallel workers and chunks read; its bounds are found.',
    kit.text,
    { fallback: 'the place of the rows in the table, where the database has one; else the primary key' },
  ),
  chunk_rows: kit.optional(
    'About so many rows are read by one statement, which bounds the longest; each chunk is a part file.',
    kit.positiveInteger,
    { fallback: 'one statement a worker' },
  ),
  chunk_delay_seconds: kit.optional('Pause between chunks.', kit.aboveZero, { fallback: 'none' }),
  consistency: kit.optional(
    '`snapshot`: all chunks see one state of the database, in transactions as long as the run. `chunk`: each chunk has a short transaction of its own; needs `partition_on` a column that never changes.',
    kit.choice(CONSISTENCIES),
    { fallback: '`snapshot`' },
  ),
  limit_rows: kit.optional('Land only so many rows.', kit.positiveInteger, { fallback: 'all rows' }),
} as const;
