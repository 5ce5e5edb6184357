import { databaseSuite } from '../../testing/database-suite.ts';
import { REAL_MSSQL, realMssqlLab } from '../../testing/mssql-kit.ts';
import { tdsLab } from '../../testing/tds/lab.ts';

databaseSuite({ name: 'SQL Server, by the TDS server of the tests', open: tdsLab, foldsCase: true });
if (REAL_MSSQL !== '') databaseSuite({ name: 'a real SQL Server', open: realMssqlLab, foldsCase: true });
