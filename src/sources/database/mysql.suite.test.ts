import { databaseSuite } from '../../testing/database-suite.ts';
import { mysqlLab } from '../../testing/mysql-kit.ts';
import { mayRun } from '../../testing/services.ts';

databaseSuite({ name: 'MariaDB', open: mysqlLab, skip: !mayRun('FOUNDRY_TEST_MYSQL_URL'), foldsCase: true });
