/** The servers that build/services starts for the tests, by the variables that name them. */
export type ServiceVariable = `FOUNDRY_TEST_${string}_URL`;

/**
 * Whether the tests of a service can run; for `describe.skipIf`. They are passed over (and counted as skipped) only
 * where FOUNDRY_TEST_ALLOW_MISSING says so: everywhere else a missing server is a failure.
 */
export function mayRun(variable: ServiceVariable): boolean {
  return (process.env[variable] ?? '') !== '' || process.env.FOUNDRY_TEST_ALLOW_MISSING !== '1';
}

/** Where a service is. @throws with what to do where it is not there. */
export function serviceUrl(variable: ServiceVariable): string {
  const url = process.env[variable] ?? '';
  if (url !== '') return url;
  throw new Error(
    `${variable} is not set. \`npm test\` starts the server and sets it; for single tests run ` +
      '`bun build/services.ts > services.env` beside them and source that file.',
  );
}
