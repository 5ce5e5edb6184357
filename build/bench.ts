import { runAll } from './run-all.ts';
import { runVisible } from './step.ts';

/** `bun run bench [part-of-a-path …]`: compiles, then measures. Exits 1 where a promise of the docs is broken. */
const compiled = await runVisible('compile', [process.execPath, 'build/compile.ts']);
const failed = compiled.ok ? await runAll('{src,build}/**/*.bench.ts', process.argv.slice(2)) : 1;
process.exitCode = failed === 0 ? 0 : 1;
