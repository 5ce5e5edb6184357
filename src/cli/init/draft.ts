import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { nameProblem } from '../../config/names.ts';
import { type Proposal, propose, type SampleColumn } from '../../config/tools/propose.ts';
import type { Draft } from '../../config/tools/template.ts';
import { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { commaList } from '../flag-values.ts';
import type { Asker } from './ask.ts';
import type { Inspected } from './inspect.ts';

export const SOURCE_TYPES = ['file', 'api', 'database'] as const;
export const KINDS = ['state', 'event'] as const;
export const DIALECTS = ['intent', 'classic'] as const;

/** What the flags say; everything absent is asked for, or guessed where nobody can be asked. */
export interface Wishes {
  readonly type: (typeof SOURCE_TYPES)[number] | undefined;
  readonly source: string | undefined;
  readonly system: string | undefined;
  readonly entity: string | undefined;
  readonly keys: string | undefined;
  readonly orderColumn: string | undefined;
  readonly kind: (typeof KINDS)[number] | undefined;
  readonly dialect: (typeof DIALECTS)[number] | undefined;
  readonly outputFile: string | undefined;
  /** Replace what is there. */
  readonly force: boolean;
}

export interface Drafted {
  readonly draft: Draft;
  /** Rows of the source that were looked at. */
  readonly rows: number;
}

/** The answer that there is no such column. */
const NONE = 'none';

const SOURCE_QUESTIONS = {
  file: 'Where is the file (a path, a glob, or a folder)?',
  api: 'Which URL gives the records?',
  database: 'Which table or query?',
} as const;

/**
 * Everything a config needs, from flags, from the source itself and from a person, in this order. A wrong answer
 * is asked for again; a wrong flag ends it.
 *
 * @param inspect looks at the first rows of a file.
 * @throws USE001 when something needed is neither said nor can be asked or guessed.
 */
export async function makeDraft(
  wishes: Wishes,
  asker: Asker | undefined,
  inspect: (path: string) => Promise<Inspected>,
): Promise<Drafted> {
  const settle = settler(asker);
  const type = wishes.type ?? (await asker?.choice('What is the source?', SOURCE_TYPES, 'file')) ?? 'file';
  const found = await settle(wishes.source, SOURCE_QUESTIONS[type], undefined, async (source) => ({
    source,
    ...(type === 'file' ? await inspect(source) : { columns: [], reading: {} }),
  }));
  if (found === undefined) {
    throw new FoundryError('USE001', '--source-path is missing: name what to read', {
      hint: 'For example: foundry init --type file --source-path orders.csv',
    });
  }
  const { source, columns } = found;
  if (columns.length > 0) {
    const shown = columns.map(({ name, type: is }) => `${name} (${is})`).join(', ');
    asker?.say(`  ${columns.length} columns: ${shown}`);
  }
  const system = await settle(wishes.system, 'Name of the system it comes from', 'my_system', nameOf);
  const guess = entityOf(type, source);
  const entity = await settle(wishes.entity, 'Name of what a row is about', guess, nameOf);
  const answers = await columnAnswers(wishes, asker, columns, entity);
  const hasKeys = answers.keys.length > 0 && answers.orderColumn !== undefined;
  const dialect = wishes.dialect ?? (hasKeys || type !== 'file' ? 'intent' : 'classic');
  if (dialect === 'intent' && !hasKeys && type === 'file') throw needsColumns(columns);
  const fileName = await settle(wishes.outputFile, 'Name of the config file', `${entity}.yaml`, (name) => {
    if (asker === undefined || wishes.force || !existsSync(name)) return name;
    throw new FoundryError('USE001', `${name} exists already; name another, or start again with --force`);
  });
  return {
    draft: {
      ...{ type, dialect, system, entity, fileName, ...found },
      ...(hasKeys || type === 'file' ? answers : guessed(answers)),
    },
    rows: columns[0]?.values.length ?? 0,
  };
}

/** What a flag says, else what a person answers, else the fallback; all of them pass through `read`. */
function settler(asker: Asker | undefined) {
  async function settle<T>(
    wished: string | undefined,
    question: string,
    fallback: string,
    read: (text: string) => T | Promise<T>,
  ): Promise<T>;
  async function settle<T>(
    wished: string | undefined,
    question: string,
    fallback: string | undefined,
    read: (text: string) => T | Promise<T>,
  ): Promise<T | undefined>;
  async function settle<T>(
    wished: string | undefined,
    question: string,
    fallback: string | undefined,
    read: (text: string) => T | Promise<T>,
  ): Promise<T | undefined> {
    if (wished !== undefined) return read(wished);
    if (asker === undefined) return fallback === undefined ? undefined : read(fallback);
    for (;;) {
      const answer = await asker.text(question, fallback);
      try {
        return await read(answer);
      } catch (error) {
        if (!(error instanceof FoundryError) || error.code === 'INT001') throw error;
        asker.say(`  ${error.message}`);
      }
    }
  }
  return settle;
}

function nameOf(text: string): string {
  const problem = nameProblem(text);
  if (problem === undefined) return text;
  throw new FoundryError('USE001', `a name ${problem}, got ${JSON.stringify(text)}`);
}

async function columnAnswers(
  wishes: Wishes,
  asker: Asker | undefined,
  columns: readonly SampleColumn[],
  entity: string,
): Promise<Proposal> {
  const settle = settler(asker);
  const proposal = propose(columns, entity);
  const proposedKeys = proposal.keys.join(',') || NONE;
  const keys = await settle(wishes.keys, 'Columns that tell one thing from another', proposedKeys, (text) => {
    if (text === proposedKeys) return proposal.keys;
    const named = commaList(text).filter((name) => name !== NONE);
    for (const name of named) checkColumn(name, columns, '--keys');
    return named;
  });
  const orderColumn = await settle(
    wishes.orderColumn,
    'Column that tells when it happened or changed',
    proposal.orderColumn ?? NONE,
    (name) => {
      if (name === NONE) return undefined;
      checkColumn(name, columns, '--order-column');
      return name;
    },
  );
  const kind =
    wishes.kind ??
    (await asker?.choice('Is a row how something is, or something that happened?', KINDS, proposal.kind)) ??
    proposal.kind;
  return { keys, ...(orderColumn !== undefined && { orderColumn }), kind };
}

function checkColumn(name: string, columns: readonly SampleColumn[], flag: string): void {
  const names = columns.map((column) => column.name);
  if (names.length === 0 || names.includes(name)) return;
  throw new FoundryError(
    'USE001',
    `${flag}: the source has no column "${name}"${didYouMean(name, names)}; it has ${names.join(', ')}`,
  );
}

/** APIs and databases are not looked at: the usual names stand where the owner then writes the right ones. */
function guessed({ keys, orderColumn, kind }: Proposal): Proposal {
  return { keys: keys.length > 0 ? keys : ['id'], orderColumn: orderColumn ?? 'updated_at', kind };
}

function needsColumns(columns: readonly SampleColumn[]): FoundryError {
  const names = columns.map((column) => column.name).join(', ');
  return new FoundryError('USE001', `an intent needs keys and a time, and none stands out among ${names}`, {
    hint: 'Name them with --keys and --order-column, or take --dialect classic, which needs neither.',
  });
}

/** `exports/orders_2025-01-05.csv.gz` → `orders`. */
function entityOf(type: Draft['type'], source: string): string {
  const path = type === 'api' ? (URL.parse(source)?.pathname ?? source) : source;
  const last =
    type === 'database'
      ? (/(?:from\s+)?([\w.]+)\s*$/i.exec(path)?.[1] ?? path).split('.').at(-1)
      : basename(path);
  const word = (last ?? '')
    .replace(/\.(csv|tsv|json|jsonl|ndjson|parquet)(\.\w+)?$/i, '')
    .replace(/\{[^}]*\}|\d{4}-?\d{2}-?\d{2}|[*?[\]{}!]/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_+|_+$/g, '');
  return word === '' ? 'my_table' : word;
}
