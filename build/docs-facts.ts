import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Block, Page } from './docs-page.ts';

/** Links that lead nowhere: to a file that is not there, or a heading that its page does not have. */
export function brokenLinks(pages: readonly Page[], root: string): string[] {
  const problems: string[] = [];
  for (const page of pages) {
    for (const { target, line } of page.links) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
      const where = `${page.path}:${line}`;
      const linked = pages.find((candidate) => candidate.path === path);
      if (linked === undefined && !existsSync(join(root, path)))
        problems.push(`${where}: there is no ${path}`);
      else if (anchor !== undefined && linked?.anchors.has(anchor) !== true) {
        problems.push(`${where}: ${path} has no heading #${anchor}`);
      }
    }
  }
  return problems;
}

/** Pages to which no other page links. */
export function unreachablePages(pages: readonly Page[]): string[] {
  const linked = new Set(
    pages.flatMap((page) =>
      page.links.map(({ target }) => normalize(join(dirname(page.path), target.split('#')[0] ?? ''))),
    ),
  );
  return pages
    .filter((page) => page.path !== 'README.md' && !linked.has(page.path))
    .map((page) => `${page.path}: no page links to it`);
}

export interface Known {
  /** `--dry-run`, of any command. */
  readonly flags: ReadonlySet<string>;
  /** Names of environment variables that the program or its tests read. */
  readonly variables: ReadonlySet<string>;
}

/** Flags and environment variables that a page names and that do not exist; what its commands name shows when they run. */
export function unknownNames(page: Page, { flags, variables }: Known): string[] {
  const problems: string[] = [];
  for (const [index, line] of page.text.split('\n').entries()) {
    const where = `${page.path}:${index + 1}`;
    const isRun = page.blocks.some((block) => isCommand(block) && contains(block, index + 1));
    if (isRun) continue;
    const ofProgram = line.replace(/`?(?:npm|bun) run [^`#]*/g, '');
    for (const [flag] of ofProgram.matchAll(/(?<![\w-])--[a-z][a-z-]*[a-z]/g)) {
      if (!flags.has(flag)) problems.push(`${where}: there is no flag ${flag}`);
    }
    for (const [name] of line.matchAll(/\bFOUNDRY_[A-Z_]+\b/g)) {
      if (!variables.has(name)) problems.push(`${where}: nothing reads ${name}`);
    }
  }
  return problems;
}

function isCommand({ lang, directives }: Block): boolean {
  return (lang === 'console' || lang === 'sh') && directives['not run'] === undefined;
}

function contains({ line, text }: Block, wanted: number): boolean {
  return wanted > line && wanted <= line + text.split('\n').length;
}

/** Every `FOUNDRY_…` that a script or source file reads. */
export async function variablesOf(root: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for await (const file of new Bun.Glob('{src,build}/**/*.ts').scan(root)) {
    if (/build\/docs/.test(file)) continue;
    for (const [name] of readFileSync(join(root, file), 'utf8').matchAll(/\bFOUNDRY_[A-Z_]+\b/g)) {
      names.add(name);
    }
  }
  return names;
}
