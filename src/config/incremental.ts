import { parseType } from '../core/schema.ts';
import { cursorTypeProblem } from './cursor-type.ts';
import { type IncrementalSpec, type LoadPattern, NULL_CURSOR_ROWS, type PartitionStrategy } from './spec.ts';
import type { ConfigPath } from './yaml/problems.ts';
import type { Report } from './yaml/report.ts';
import * as kit from './yaml/schema-kit.ts';

/** Keys of `incremental` that every kind of source has. */
export const incrementalOptions = {
  enabled: kit.optional('Whether each run reads only what is new.', kit.flag, { fallback: '`true`' }),
  cursor_type: kit.optional(
    'Type of the cursor column: a number type, date, timestamp, timestamptz or string. Declare it where the source gives texts.',
    kit.text,
    { fallback: 'the source’s own; texts: what the first value is' },
  ),
  initial_value: kit.optional('Where the first run begins.', kit.textOrNumber, {
    fallback: 'the very beginning',
  }),
  lookback: kit.optional(
    'How far before the last end each run reads again, for rows that come late: a number, or a duration such as `2h` or `3d`.',
    kit.textOrNumber,
    { fallback: 'nothing is read again' },
  ),
  null_rows: kit.optional(
    'Rows without a cursor value: `include` lands them once, with the run that begins the table; `exclude` never; `fail` refuses the run. They are always counted.',
    kit.choice(NULL_CURSOR_ROWS),
    { fallback: '`include`' },
  ),
  state_file: kit.optional('A state file of the original; it seeds the first run.', kit.text, {
    fallback: '`.state/<system>_<table>_cursor.json` where that exists',
  }),
} as const;

/** The values of these keys, whatever the dialect and the kind of source. */
export interface IncrementalOptions {
  readonly enabled?: boolean | undefined;
  readonly cursor_type?: string | undefined;
  readonly initial_value?: string | number | undefined;
  readonly lookback?: string | number | undefined;
  readonly null_rows?: IncrementalSpec['nullRows'] | undefined;
  readonly state_file?: string | undefined;
}

export interface IncrementalPlace {
  /** Path of the `incremental` section. */
  readonly at: ConfigPath;
  readonly strategy: PartitionStrategy | undefined;
  readonly loadPattern: LoadPattern | undefined;
}

/** Reports what is wrong between the keys of an incremental section that is on. */
export function checkIncremental(options: IncrementalOptions, place: IncrementalPlace, report: Report): void {
  const key = (name: keyof typeof incrementalOptions): ConfigPath => [...place.at, name];
  if (place.strategy === 'none') {
    report.invalid(
      place.at,
      'incremental reading needs partitions: without a dt= folder each run would replace the rows of the one before',
      'key',
    );
  }
  if ((place.loadPattern ?? 'full') === 'full') {
    report.warn(
      place.at,
      'an incremental run lands only what is new, but load_pattern full says that each partition is the whole table, and Silver takes the newest for it; set load_pattern: cdc',
    );
  }
  const problem = options.cursor_type === undefined ? undefined : cursorTypeProblem(options.cursor_type);
  if (problem !== undefined) report.invalid(key('cursor_type'), problem, 'value');
  if (options.lookback !== undefined && !LOOKBACK.test(String(options.lookback))) {
    report.invalid(
      key('lookback'),
      `${JSON.stringify(options.lookback)} is neither a number nor a duration such as 2h or 3d`,
      'value',
    );
  }
  const { initial_value: initial } = options;
  if (typeof initial === 'number' && Number.isInteger(initial) && !Number.isSafeInteger(initial)) {
    report.invalid(
      key('initial_value'),
      'a number of this size loses digits in YAML; write it in quotes',
      'value',
    );
  }
}

const LOOKBACK = /^\d+(?:\.\d+)?\s*(?:s|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)?$/;

/** The spec of a section that `checkIncremental` found no problem in; undefined where it is off. */
export function incrementalSpec(
  column: string | undefined,
  options: IncrementalOptions | undefined,
): IncrementalSpec | undefined {
  if (column === undefined || options === undefined || options.enabled === false) return undefined;
  const type = options.cursor_type === undefined ? undefined : parseType(options.cursor_type);
  return {
    column,
    ...(type !== undefined && { type }),
    ...(options.initial_value !== undefined && { initialValue: String(options.initial_value) }),
    ...(options.lookback !== undefined && { lookback: String(options.lookback) }),
    nullRows: options.null_rows ?? 'include',
    ...(options.state_file !== undefined && { stateFile: options.state_file }),
  };
}
