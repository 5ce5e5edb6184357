import { basename } from 'node:path';
import { type Proposal, propose, type SampleColumn } from '../../config/tools/propose.ts';
import type { Draft } from '../../config/tools/template.ts';
import { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { commaList } from '../args.ts';
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
}

export interface Drafted {
  readonly draft: Draft;
  readonly outputFile: string;
  /** Rows of the source that were looked at. */
  readonly rows: number;
}

const SOURCE_QUESTIONS = {
  file: 'Where is the file (a path, a glob, or a folder)?',
  api: 'Which URL gives the records?',
  database: 'Which table or query?',
} as const;

/**
 * Everything a config needs, from flags, from the source itself and from a person, in this order.
 *
 * @param inspect looks at the first rows of a file.
 * @throws USE001 when something needed is neither said nor can be asked or guessed.
 */
export async function makeDraft(
  wishes: Wishes,
  asker: Asker | undefined,
  inspect: (path: string) => Promise<Inspected>,
): Promise<Drafted> {
  const type = wishes.type ?? (await asker?.choice('What is the source?', SOURCE_TYPES, 'file')) ?? 'file';
  const source = wishes.source ?? (await asker?.text(SOURCE_QUESTIONS[type]));
  if (source === undefined) {
    throw new FoundryError('USE001', '--source-path is missing: name what to read', {
      hint: 'For example: foundry init --type file --source-path orders.csv',
    });
  }
  const { columns, jsonPath }: Inspected = type === 'file' ? await inspect(source) : { columns: [] };
  const rows = columns[0]?.values.length ?? 0;
  if (columns.length > 0) {
    asker?.say(
      `  ${columns.length} columns: ${columns.map(({ name, type: is }) => `${name} (${is})`).join(', ')}`,
    );
  }
  const system =
    wishes.system ?? (await asker?.text('Name of the system it comes from', 'my_system')) ?? 'my_system';
  const guess = entityOf(type, source);
  const entity = wishes.entity ?? (await asker?.text('Name of what a row is about', guess)) ?? guess;
  const answers = await columnAnswers(wishes, asker, columns, entity);
  const hasKeys = answers.keys.length > 0 && answers.orderColumn !== undefined;
  const dialect = wishes.dialect ?? (hasKeys || type !== 'file' ? 'intent' : 'classic');
  if (dialect === 'intent' && !hasKeys && type === 'file') throw needsColumns(columns);
  const fileName =
    wishes.outputFile ?? (await asker?.text('Name of the config file', `${entity}.yaml`)) ?? `${entity}.yaml`;
  const { keys, orderColumn, kind } = hasKeys || type === 'file' ? answers : guessed(answers);
  return {
    draft: {
      type,
      dialect,
      system,
      entity,
      source,
      kind,
      keys,
      ...(orderColumn !== undefined && { orderColumn }),
      columns,
      ...(jsonPath !== undefined && { jsonPath }),
      fileName,
    },
    outputFile: fileName,
    rows,
  };
}

async function columnAnswers(
  wishes: Wishes,
  asker: Asker | undefined,
  columns: readonly SampleColumn[],
  entity: string,
): Promise<Proposal> {
  const proposal = propose(columns, entity);
  const wished = commaList(wishes.keys);
  const keys =
    wished.length > 0
      ? wished
      : commaList(
          (await asker?.text(
            'Columns that tell one thing from another',
            proposal.keys.join(',') || 'none',
          )) ?? proposal.keys.join(','),
        ).filter((key) => key !== 'none');
  for (const key of keys) checkColumn(key, columns, '--keys');
  const asked =
    wishes.orderColumn ??
    (await asker?.text('Column that tells when it happened or changed', proposal.orderColumn ?? 'none')) ??
    proposal.orderColumn;
  const orderColumn = asked === 'none' ? undefined : asked;
  if (orderColumn !== undefined) checkColumn(orderColumn, columns, '--order-column');
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
