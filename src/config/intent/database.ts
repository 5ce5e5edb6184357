import { checkDatabase, type DatabaseOptions } from '../database/source.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { IntentConfig } from './schema.ts';

type Bronze = Partly<IntentConfig['bronze']>;

const OPTIONS: ConfigPath = ['bronze', 'options', 'db'];

/** The short keys of `bronze` that say the same as keys of `bronze.options.db`. */
const SHORT = {
  connection_name: 'conn_str_env',
  source_query: 'base_query',
  partition_column: 'partition_on',
} as const;

/** The settings of a database source, wherever in `bronze` they stand. */
export function intentDatabase<Options extends Partly<DatabaseOptions>>(
  bronze: { readonly [K in keyof typeof SHORT]?: string | undefined },
  options: Options,
): Options {
  const connection = options.conn_str_env ?? bronze.connection_name;
  const query = options.base_query ?? bronze.source_query;
  const column = options.partition_on ?? bronze.partition_column;
  return {
    ...options,
    ...(connection !== undefined && { conn_str_env: connection }),
    ...(query !== undefined && { base_query: query }),
    ...(column !== undefined && { partition_on: column }),
  };
}

export function checkIntentDatabase(bronze: Bronze, report: Report): void {
  const options = bronze.options ?? {};
  for (const [short, long] of Object.entries(SHORT) as [
    keyof typeof SHORT,
    (typeof SHORT)[keyof typeof SHORT],
  ][]) {
    const [above, here] = [bronze[short], options.db?.[long]];
    if (above === undefined || here === undefined || above === here) continue;
    report.invalid([...OPTIONS, long], `${long} differs from bronze.${short}; keep one of them`);
  }
  if (bronze.enabled === false) return;
  checkDatabase(
    intentDatabase<Partly<DatabaseOptions>>(bronze, options.db ?? {}),
    {
      options: OPTIONS,
      connection:
        options.db?.conn_str_env === undefined ? ['bronze', 'connection_name'] : [...OPTIONS, 'conn_str_env'],
      query: options.db?.base_query === undefined ? ['bronze', 'source_query'] : [...OPTIONS, 'base_query'],
    },
    {
      strategy: options.partitioning_strategy ?? 'date',
      loadPattern: options.load_pattern,
      workers: options.parallel_workers,
    },
    report,
  );
}
