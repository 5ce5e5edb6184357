/** The smallest program that needs the embedded engine: prints 42, or the error. For `build/compile.test.ts`. */
async function main(): Promise<void> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = await connection.runAndReadAll('SELECT 42 AS answer');
  console.log(rows.getRowObjects()[0]?.answer);
}

main().catch((error: unknown) => {
  console.error(String(error));
  process.exitCode = 1;
});
