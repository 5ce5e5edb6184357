// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the substitutions of configs look like that
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { FoundryError } from '../core/errors.ts';
import { parseConfig, problemsOf } from './load.ts';

const INTENTS = join(import.meta.dir, '../../fixtures/intents');
const TEXTS = readdirSync(INTENTS)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(join(INTENTS, name), 'utf8'));

/** A slice in every run of the tests; `bun run soak` takes the full count. */
const RUNS = process.env.FOUNDRY_SOAK === '1' ? 10_000 : 500;
const TIMEOUT_MS = RUNS * 60;

/** Loading either works, or fails with problems that all have a place within the text. */
function loadsOrExplains(text: string): void {
  try {
    const { datasets, warnings } = parseConfig('c.yaml', text, { A: '1' });
    expect(datasets.length).toBeGreaterThan(0);
    for (const warning of warnings) expect(warning.line).toBeGreaterThanOrEqual(1);
  } catch (error) {
    if (!(error instanceof FoundryError)) throw error;
    const problems = problemsOf(error);
    expect(problems.length).toBeGreaterThan(0);
    expect(error.exitCode).toBe(2);
    const lines = text.split(/\r\n|\r|\n/).length;
    for (const problem of problems) {
      expect(problem.line).toBeGreaterThanOrEqual(1);
      expect(problem.line).toBeLessThanOrEqual(lines + 1);
      expect(problem.column).toBeGreaterThanOrEqual(1);
      expect(problem.message).not.toBe('');
      expect(error.message).toContain(problem.message);
    }
  }
}

const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1.5,
    '',
    ' ',
    '..',
    'a/b',
    '${A}',
    '${B}',
    '${',
    '__proto__',
    'constructor',
    'scd2',
    [],
    {},
    [[]],
    [null],
    { a: null },
    { enabled: true },
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

type Tree = { [key: string]: unknown };

/** Every path to a mapping within the tree. */
function mappings(tree: unknown): Tree[] {
  if (Array.isArray(tree)) return tree.flatMap(mappings);
  if (typeof tree !== 'object' || tree === null) return [];
  return [tree as Tree, ...Object.values(tree).flatMap(mappings)];
}

test(
  'a valid config with its keys replaced, removed, added or renamed loads or is explained',
  () => {
    const change = fc.record({
      where: fc.nat(),
      key: fc.nat(),
      kind: fc.constantFrom('replace', 'remove', 'add', 'rename', 'move'),
      name: fc.oneof(fc.constantFrom('file', 'silver', 'types', 'columns', '<<', 'model', '1'), fc.string()),
      value: odd,
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...TEXTS),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (text, changes) => {
          const tree = parse(text) as Tree;
          for (const { where, key, kind, name, value } of changes) {
            const all = mappings(tree);
            const target = all[where % all.length];
            const keys = Object.keys(target ?? {});
            const chosen = keys[key % Math.max(keys.length, 1)];
            if (target === undefined || chosen === undefined) continue;
            const previous = target[chosen];
            if (kind === 'remove' || kind === 'rename') delete target[chosen];
            if (kind === 'replace') target[chosen] = structuredClone(value);
            if (kind === 'add') target[name] = structuredClone(value);
            if (kind === 'rename') target[`${chosen}x`] = previous;
            if (kind === 'move') tree[chosen] = structuredClone(previous);
          }
          loadsOrExplains(stringify(tree));
        },
      ),
      { numRuns: RUNS },
    );
  },
  TIMEOUT_MS,
);

test(
  'a valid config with its text cut, doubled or littered loads or is explained',
  () => {
    const litter = fc.oneof(
      fc.constantFrom(
        '\t',
        '\n',
        ':',
        '- ',
        '&a ',
        '*a',
        '[',
        '}',
        '"',
        '#',
        '---\n',
        '!!set ',
        '%YAML 1.1\n---\n',
        '${A',
        '\uFEFF',
        '\r',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...TEXTS),
        fc.array(fc.tuple(fc.nat(), fc.nat(12), litter), { minLength: 1, maxLength: 5 }),
        (original, edits) => {
          let text = original;
          for (const [at, drop, insert] of edits) {
            const start = at % (text.length + 1);
            text = text.slice(0, start) + insert + text.slice(start + drop);
          }
          loadsOrExplains(text);
        },
      ),
      { numRuns: RUNS },
    );
  },
  TIMEOUT_MS,
);

test(
  'any text at all loads or is explained',
  () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), loadsOrExplains), {
      numRuns: RUNS,
    });
  },
  TIMEOUT_MS,
);
