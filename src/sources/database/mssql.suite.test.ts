import { databaseSuite } from '../../testing/database-suite.ts';
import { tdsLab } from '../../testing/tds/lab.ts';

databaseSuite({ name: 'SQL Server, by the TDS server of the tests', open: tdsLab, foldsCase: true });
