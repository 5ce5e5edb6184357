import { databaseManners } from '../../testing/database-manners.ts';
import { databaseSuite } from '../../testing/database-suite.ts';
import { mysqlLab } from '../../testing/mysql-kit.ts';
import { mayRun } from '../../testing/services.ts';

databaseSuite({ name: 'MariaDB', open: mysqlLab, skip: !mayRun('FOUNDRY_TEST_MYSQL_URL'), foldsCase: true });

databaseManners({
  name: 'MariaDB',
  open: mysqlLab,
  skip: !mayRun('FOUNDRY_TEST_MYSQL_URL'),
  lockSeconds: 1,
  lockTimeout: { message: 'Lock wait timeout exceeded', details: { error: 1205 } },
});
