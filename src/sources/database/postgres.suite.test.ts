import { databaseManners } from '../../testing/database-manners.ts';
import { databaseSuite } from '../../testing/database-suite.ts';
import { postgresLab } from '../../testing/postgres-database.ts';
import { mayRun } from '../../testing/services.ts';

databaseSuite({
  name: 'PostgreSQL',
  open: postgresLab,
  skip: !mayRun('FOUNDRY_TEST_POSTGRES_URL'),
  foldsCase: false,
});

databaseManners({
  name: 'PostgreSQL',
  open: postgresLab,
  skip: !mayRun('FOUNDRY_TEST_POSTGRES_URL'),
  lockSeconds: 0.1,
  lockTimeout: { message: 'canceling statement due to lock timeout', details: { sqlstate: '55P03' } },
});
