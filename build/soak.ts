import { runAll } from './run-all.ts';
import { runVisible } from './step.ts';

/** `bun run soak [part-of-a-path …]`: the tests that take too long for `npm test`. */
const compiled = await runVisible('compile', [process.execPath, 'build/compile.ts']);
const failed = compiled.ok ? await runAll('{src,build}/**/*.soak.ts', process.argv.slice(2)) : 1;
process.exitCode = failed === 0 ? 0 : 1;
