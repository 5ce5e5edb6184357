import type { DatabaseEngine } from '../../config/database/spec.ts';
import type { Driver } from './driver.ts';

/** The compiler asks for the driver of every database that the config language knows. */
export const DRIVERS: { readonly [K in DatabaseEngine]: () => Promise<Driver> } = {
  postgres: async () => (await import('./postgres.ts')).postgresDriver,
  mysql: async () => (await import('./mysql.ts')).mysqlDriver,
  mssql: async () => (await import('./mssql.ts')).mssqlDriver,
};
