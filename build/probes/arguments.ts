/** Prints its arguments and ends with exit code 7, or waits for a signal. For `build/with-bun.test.ts`. */
const args = process.argv.slice(2);
console.log(JSON.stringify({ bun: Bun.version, args }));
if (args[0] === 'wait') setInterval(() => undefined, 1000);
else process.exitCode = 7;
