import { dirname, join } from 'node:path';
import { incompleteTimes } from '../../config/tools/propose.ts';
import { type Draft, SCHEMA_FILE } from '../../config/tools/template.ts';
import { FoundryError } from '../../core/errors.ts';
import type { Session } from '../session.ts';
import { canAsk, openAsker } from './ask.ts';
import { DIALECTS, KINDS, makeDraft, SOURCE_TYPES, type Wishes } from './draft.ts';
import { type ExampleName, readExample } from './examples.ts';
import type { NewFile } from './write.ts';

/** What `foundry init` would write. */
export interface Plan {
  readonly config: NewFile;
  readonly data: readonly NewFile[];
  readonly facts: Readonly<Record<string, string>>;
  readonly withSchema: boolean;
}

export async function planExample(name: ExampleName, path: string): Promise<Plan> {
  const { config, data, description } = await readExample(name);
  return {
    config: { path, text: config },
    data: data.map((file) => ({ path: join(dirname(path), file.path), text: file.text })),
    facts: { example: name, shows: description },
    withSchema: false,
  };
}

/** @throws USE001 when nothing says what to write and nobody can be asked. */
export async function planNew(given: Given, session: Session): Promise<Plan> {
  const wishes = wishesOf(given);
  const asker = canAsk() ? openAsker() : undefined;
  if (asker === undefined && wishes.type === undefined && wishes.source === undefined) {
    throw new FoundryError('USE001', 'there is no terminal to ask on, and no flags say what to write', {
      hint: 'For example: foundry init orders.csv, or foundry init --example file_example.',
    });
  }
  try {
    const { inspectFile } = await import('../init/inspect.ts');
    const { renderConfig } = await import('../../config/tools/template.ts');
    const { draft, rows } = await makeDraft(wishes, asker, (path) =>
      inspectFile(path, session.runDate, session.signal),
    );
    const withSchema =
      given['with-schema'] !== true && (await asker?.yes(`Write ${SCHEMA_FILE} for your editor?`, true));
    return {
      config: { path: draft.fileName, text: renderConfig(draft) },
      data: [],
      facts: {
        source: draft.source,
        ...(draft.columns.length > 0 && {
          columns: `${draft.columns.map(({ name }) => name).join(', ')} (from the first ${rows} rows)`,
        }),
        ...howRead(draft),
        keys: draft.keys.length === 0 ? '(none found)' : draft.keys.join(', '),
        'order column': draft.orderColumn ?? noOrder(draft),
        kind:
          draft.keys.length === 0 || draft.orderColumn === undefined
            ? 'snapshot: the rows as they are'
            : draft.kind,
      },
      withSchema: withSchema === true,
    };
  } finally {
    asker?.close();
  }
}

/** What was guessed of a file: a wrong guess would make a row of its header, or one column of all. */
function howRead({ reading, fileName }: Draft): Readonly<Record<string, string>> {
  const { encoding, delimiter, fieldnames, jsonPath } = reading;
  return {
    ...(encoding !== undefined && { encoding }),
    ...(delimiter !== undefined && { delimiter: JSON.stringify(delimiter) }),
    ...(jsonPath !== undefined && { records: `in ${jsonPath} of the document` }),
    ...(fieldnames !== undefined && {
      header: `(none found: the first line is taken for a row; if it holds the names, remove has_header and fieldnames from ${fileName})`,
    }),
  };
}

function noOrder({ columns }: Draft): string {
  const [nearly] = incompleteTimes(columns);
  return nearly === undefined ? '(none found)' : `(none found: ${nearly} is empty in some rows)`;
}

type Given = Readonly<Record<string, unknown>>;

function sourceOf(argument: string | undefined, flag: string | undefined): string | undefined {
  if (argument !== undefined && flag !== undefined) {
    throw new FoundryError('USE001', `the source is given twice: "${argument}" and --source-path ${flag}`);
  }
  return argument ?? flag;
}

/** @throws USE001 when the source is given twice. */
function wishesOf(given: Given): Wishes {
  const text = (name: string): string | undefined => {
    const value = given[name];
    return typeof value === 'string' ? value : undefined;
  };
  const oneOf = <T extends string>(name: string, choices: readonly T[]): T | undefined =>
    choices.find((choice) => choice === given[name]);
  return {
    type: oneOf('type', SOURCE_TYPES),
    source: sourceOf(text('source'), text('source-path')),
    system: text('system'),
    entity: text('entity'),
    keys: text('keys'),
    orderColumn: text('order-column'),
    kind: oneOf('kind', KINDS),
    dialect: oneOf('dialect', DIALECTS),
    outputFile: text('output-file'),
    force: given.force === true,
  };
}
