import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { FoundryError } from '../../core/errors.ts';
import { databaseLake } from '../../testing/database-lake.ts';
import { landsExactly, type MatrixColumn } from '../../testing/database-matrix.ts';
import { INSERTABLE, matrixStatements, REAL_MSSQL, realMssqlLab } from '../../testing/mssql-kit.ts';
import { MATRIX, type MatrixEntry } from '../../testing/tds/matrix.ts';
import { matrixHandler } from '../../testing/tds/matrix-handler.ts';
import { matrixLands, matrixText } from '../../testing/tds/matrix-texts.ts';
import { startTdsServer, type TdsServer } from '../../testing/tds/server.ts';

const ENTRIES: readonly MatrixEntry[] = [{ type: 'int', values: [['0'], ['1'], ['2']] }, ...MATRIX];
/** What has 100 ns, and what has no type of its own, is text by setting. */
const AS_TEXT = /^(?:datetime2\(7\)|datetimeoffset\(7\)|time\(7\)|sql_variant)$/;

function nameOf(index: number): string {
  return index === 0 ? 'row_id' : `c${index}`;
}

/** What `db.types` says of the entries, and how each of them lands. */
function expectations(entries: readonly MatrixEntry[]) {
  const types = Object.fromEntries(
    entries.flatMap(({ type }, index) => (AS_TEXT.test(type) ? [[nameOf(index), 'string']] : [])),
  );
  const columns = entries.map(
    ({ type, values }, index): MatrixColumn => ({
      name: nameOf(index),
      lands: AS_TEXT.test(type) ? 'string' : matrixLands(type),
      texts: [0, 1, 2, 3].map((row) => {
        if (row === 3 && index > 0) return null;
        const value = (values[row] ?? values.at(-1))?.[0] ?? null;
        return value === null ? null : matrixText(type, value);
      }),
    }),
  );
  return { types, columns: columns.slice(1) };
}

const { types: TYPES, columns: COLUMNS } = expectations(ENTRIES);

describe('a table with every type of SQL Server, by the TDS server of the tests', () => {
  let server: TdsServer;

  beforeAll(async () => {
    server = await startTdsServer({ handler: matrixHandler(ENTRIES, nameOf) });
  });

  afterAll(() => server.stop());

  test.each([
    ['the engine', false],
    ['the row writer', true],
  ])('lands and reads back equal, in DuckDB and pyarrow, through %s', async (_, csv) => {
    const lake = await databaseLake(server.url, { table: 'matrix', geometry: 'wkt', types: TYPES, csv });
    try {
      await landsExactly(lake, COLUMNS);
    } finally {
      await lake.remove();
    }
  });

  test.each(['datetime2(7)', 'datetimeoffset(7)', 'time(7)'])(
    '100 ns of a %s are refused, naming column and row, rather than cut',
    async (type) => {
      const name = nameOf(ENTRIES.findIndex((entry) => entry.type === type));
      const { [name]: _, ...types } = TYPES;
      const lake = await databaseLake(server.url, { table: 'matrix', types });
      const failed: unknown = await lake.run('2025-01-01').catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(FoundryError);
      expect(failed).toMatchObject({ code: 'DATA001', details: { column: name } });
      await lake.remove();
    },
  );
});

const real = REAL_MSSQL === '' ? undefined : 'a table with every type of a real SQL Server';

if (real !== undefined) {
  test(`${real} lands and reads back equal, in DuckDB and pyarrow`, async () => {
    const entries = [ENTRIES[0] as MatrixEntry, ...INSERTABLE];
    const { types, columns } = expectations(entries);
    const lab = await realMssqlLab();
    for (const sql of matrixStatements(entries, nameOf)) await lab.run(sql);
    const lake = await databaseLake(lab.url, { table: 'matrix', geometry: 'wkt', types });
    try {
      await landsExactly(lake, columns);
    } finally {
      await lake.remove();
      await lab.drop();
    }
  });
}
