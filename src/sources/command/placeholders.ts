import type { RunDate } from '../../core/run-date.ts';
import { type CursorRequest, startOf } from '../cursor.ts';

/** What a program can be told: as placeholders of its arguments, and as variables of its environment. */
export interface Facts {
  readonly placeholders: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
}

/** @param stateFile path of a JSON file with what the run before kept; `{}` on the first run */
export function factsOf(
  runDate: RunDate,
  cursor: CursorRequest | undefined,
  stateFile: string | undefined,
): Facts {
  const [yyyy = '', mm = '', dd = ''] = runDate.date.split('-');
  const start = cursor === undefined ? undefined : startOf(cursor);
  const told: Readonly<Record<string, string | undefined>> = {
    date: runDate.date,
    hour: runDate.hour ?? '',
    cursor: start ?? '',
    until: cursor?.until?.value ?? '',
    state_file: stateFile,
  };
  const known = Object.entries(told).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    placeholders: { ...Object.fromEntries(known), yyyy, mm, dd },
    variables: Object.fromEntries(known.map(([name, value]) => [VARIABLES[name] ?? '', value])),
  };
}

const VARIABLES: Readonly<Record<string, string>> = {
  date: 'FOUNDRY_RUN_DATE',
  hour: 'FOUNDRY_RUN_HOUR',
  cursor: 'FOUNDRY_CURSOR',
  until: 'FOUNDRY_UNTIL',
  state_file: 'FOUNDRY_STATE_FILE',
};

/**
 * The command with its placeholders filled in. In a text for the shell, only dates are: a cursor may hold anything, which
 * the shell would read as a part of the command.
 */
export function fillIn(run: string | readonly string[], { placeholders }: Facts): string | readonly string[] {
  const fill = (text: string, names: RegExp): string =>
    text.replace(names, (whole, name: string) => placeholders[name] ?? whole);
  return typeof run === 'string'
    ? fill(run, /\{(date|yyyy|mm|dd|hour)\}/g)
    : run.map((argument) => fill(argument, /\{(\w+)\}/g));
}
