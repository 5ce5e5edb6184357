import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS, type ErrorCode } from '../src/core/errors.ts';
import { patternMatrix } from './pattern-matrix.ts';

/** Pages that repeat what the code says; `--check` fails where a page and the code differ. */
const PAGES: Readonly<Record<string, () => string>> = {
  'docs/errors.md': errorPage,
  'docs/pattern-matrix.md': patternMatrix,
};

const ROOT = join(import.meta.dir, '..');

function errorPage(): string {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const rows = codes.map((code) => {
    const { exit, retryable, meaning, hint } = ERRORS[code];
    return `| \`${code}\` | ${exit}${code === 'INT001' ? ' / 143' : ''} | ${retryable ? 'yes' : 'no'} | ${meaning} | ${hint} |`;
  });
  return [
    '# Error codes',
    '',
    'Generated from `src/core/errors.ts` by `bun run docs`; do not edit.',
    '',
    'A failure is printed to stderr as `[CODE] what happened (details)` and what to do next; with `--output json`',
    'it is in `errors` of the document on stdout. The exit code is the one of the table; several datasets end with 1 if',
    'any failed with 1, else with the lowest of 2–5, and with 75 only if every failure was temporary.',
    '',
    '| code | exit | run again helps | meaning | what to do |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const check = process.argv.includes('--check');
for (const [path, render] of Object.entries(PAGES)) {
  const file = join(ROOT, path);
  const text = render();
  if (!check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${path} is not what the code says; run \`bun run docs\``);
    process.exitCode = 1;
  }
}
