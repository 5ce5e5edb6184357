import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Finished, runCommand } from '../src/testing/binary.ts';
import { queryDuckdb } from '../src/testing/parquet.ts';
import { matches, normalised, treeOf } from './docs-output.ts';
import type { Block, Page } from './docs-page.ts';
import { fileNameOf, yamlProblem } from './docs-yaml.ts';

export interface RunPlace {
  /** The project: its `fixtures/data` is what every page begins with. */
  readonly root: string;
  /** Empty folder in which the page is run from top to bottom. */
  readonly folder: string;
  /** Folder that holds the compiled `foundry`. */
  readonly bin: string;
  /** Has pyarrow; without one, Python blocks are passed over. */
  readonly python: string | undefined;
  /** Set for the commands, beside what every shell has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Reasons for which a block may say `<!-- not run: … -->`. */
const NOT_RUN: ReadonlySet<string> = new Set([
  'needs Spark',
  'needs Trino',
  'needs pandas',
  'a schedule',
  'a drawing',
]);
/** Programs that a page may run beside foundry: those of any shell. */
const SHELL: ReadonlySet<string> = new Set(
  'cat cd cp dd echo find for grep head ls mkdir mv printf rm sed sha256sum'.split(' '),
);

/**
 * Runs every block of a page in order, as a reader would.
 * @returns what a reader would find wrong, as `page:line: …`.
 */
export async function runPage(page: Page, place: RunPlace): Promise<string[]> {
  mkdirSync(join(place.folder, 'fixtures'), { recursive: true });
  cpSync(join(place.root, 'fixtures/data'), join(place.folder, 'fixtures/data'), { recursive: true });
  const problems: string[] = [];
  for (const block of page.blocks) {
    const reason = block.directives['not run'];
    const found = reason === undefined ? await runBlock(block, page, place) : unknownReason(reason);
    problems.push(...found.map((problem) => `${page.path}:${block.line}: ${problem}`));
  }
  return problems;
}

function unknownReason(reason: string): string[] {
  return NOT_RUN.has(reason) ? [] : [`"${reason}" is no reason for not running a block`];
}

async function runBlock(block: Block, page: Page, place: RunPlace): Promise<string[]> {
  const file = block.directives.file ?? (block.lang === 'yaml' ? fileNameOf(block.text) : undefined);
  if (file !== undefined) return writeFile(file, block, page, place);
  if (block.directives.tree !== undefined) return compareTree(block, block.directives.tree, place);
  switch (block.lang) {
    case 'yaml': {
      const problem = yamlProblem(block.text);
      return problem === undefined ? [] : [problem];
    }
    case 'json':
      return jsonProblem(block.text);
    case 'console':
    case 'sh':
      return runCommands(block, place);
    case 'sql':
      return runSql(block, place);
    case 'python':
      return runPython(block, place);
    default:
      return [`no rule says how to check a block of "${block.lang}"`];
  }
}

function writeFile(name: string, block: Block, page: Page, { folder }: RunPlace): string[] {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${block.text}\n`);
  // Data may be named by a template, a config only by its name.
  const used = page.blocks.some((other) => other.line > block.line && other.text.includes(name));
  return used || block.lang !== 'yaml' ? [] : [`${name} is shown but never used below`];
}

function jsonProblem(text: string): string[] {
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    return [String(error)];
  }
}

function compareTree(block: Block, folders: string, { folder }: RunPlace): string[] {
  const actual = normalised(treeOf(folder, folders.split(' ')), folder);
  return matches(normalised(block.text, folder), actual) ? [] : [`the tree is\n${actual}`];
}

interface Command {
  readonly text: string;
  readonly exit: number;
  readonly shown: string | undefined;
}

/** `$ command`, then what it prints, in `console` blocks; one command a line in `sh` blocks. `# exit 3` says how it ends. */
export function commandsOf(block: Block): Command[] {
  const lines = block.text.replace(/\\\n\s*/g, '').split('\n');
  if (block.lang === 'sh') {
    return lines
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
      .map((line) => commandOf(line, []));
  }
  const commands: Command[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (!line.startsWith('$ ')) throw new Error(`a console block begins with "$ ", not with ${line}`);
    const next = lines.findIndex((candidate, at) => at > index && candidate.startsWith('$ '));
    const end = next < 0 ? lines.length : next;
    commands.push(commandOf(line.slice(2), lines.slice(index + 1, end)));
    index = end - 1;
  }
  return commands;
}

function commandOf(line: string, output: readonly string[]): Command {
  const [, text = '', exit] = /^(.*?)(?:\s+# exit (\d+))?$/.exec(line) ?? [];
  const shown = output.join('\n').trim();
  return { text, exit: Number(exit ?? 0), shown: shown === '' ? undefined : shown };
}

async function runCommands(block: Block, place: RunPlace): Promise<string[]> {
  const problems: string[] = [];
  for (const command of commandsOf(block)) problems.push(...(await runOne(command, place)));
  return problems;
}

async function runOne({ text, exit, shown }: Command, place: RunPlace): Promise<string[]> {
  const program = /^(?:[A-Z_]+=\S+ )*(\S+)/.exec(text)?.[1] ?? '';
  if (['npm', 'bun', 'node'].includes(program)) return scriptProblem(text, place);
  if (program !== 'foundry' && !SHELL.has(program)) return [`no rule allows to run ${program}: ${text}`];
  const finished = await shell(text, place);
  const output = normalised(finished.stdout, place.folder);
  if (finished.code !== exit) return [`${text}\nended with ${finished.code}, not ${exit}:\n${output}`];
  const agrees = shown === undefined || matches(normalised(shown, place.folder), output);
  return agrees ? [] : [`${text}\nprints\n${output}`];
}

function shell(command: string, { folder, bin, env: more }: RunPlace): Promise<Finished> {
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, LC_ALL: 'C', ...more };
  return runCommand([Bun.which('bash') ?? 'bash', '-c', `exec 2>&1\n${command}`], {
    cwd: folder,
    env,
    timeout: 100_000,
  });
}

/** The project's own scripts are what runs this test, so they are looked up and not run. */
function scriptProblem(text: string, { root }: RunPlace): string[] {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const name = /^(?:npm|bun) (?:run )?([\w-]+)/.exec(text)?.[1] ?? '';
  return name in scripts || name === 'install' ? [] : [`package.json has no script for: ${text}`];
}

/** The last query's first value is compared with `-- gives …`; without that, it must find a row. */
async function runSql(block: Block, { folder }: RunPlace): Promise<string[]> {
  const expected = /^-- gives (.+)$/m.exec(block.text)?.[1];
  try {
    const rows = await queryDuckdb(`SET file_search_path = '${folder}'; ${block.text}`);
    const value = String(Object.values(rows[0] ?? {})[0]);
    if (rows.length === 0) return ['the query finds no row'];
    return expected === undefined || value === expected ? [] : [`the query gives ${value}`];
  } catch (error) {
    return [String(error)];
  }
}

async function runPython(block: Block, { folder, python }: RunPlace): Promise<string[]> {
  if (python === undefined) return [];
  const finished = await runCommand([python, '-c', block.text], { cwd: folder });
  return finished.code === 0 ? [] : [`python ended with ${finished.code}: ${finished.stderr}`];
}
