import { databaseSuite } from '../../testing/database-suite.ts';
import { postgresLab } from '../../testing/postgres-database.ts';
import { mayRun } from '../../testing/services.ts';

databaseSuite({
  name: 'PostgreSQL',
  open: postgresLab,
  skip: !mayRun('FOUNDRY_TEST_POSTGRES_URL'),
  foldsCase: false,
});
