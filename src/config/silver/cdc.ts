import type * as v from 'valibot';
import type { CdcSpec } from '../spec.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import * as kit from '../yaml/schema-kit.ts';
import type { Partly } from '../yaml/validate.ts';

const codes = (description: string, fallback: string) =>
  kit.optional(description, kit.textOrList, { fallback });

export const cdcSchema = kit.section({
  operation_column: kit.required(
    'Column that says what each row does. It is left out of the result unless it is an attribute.',
    kit.text,
  ),
  insert: codes('Codes of rows that are new.', '`I`'),
  update: codes('Codes of rows that have changed.', '`U`'),
  delete: codes('Codes of rows that are gone.', '`D`'),
  read: codes('Codes of rows that were read without a change, as by an initial load.', '`R`'),
  refresh: codes('Another name of `read`.', '`R`'),
});

type Cdc = v.InferOutput<typeof cdcSchema>;
type Operation = Exclude<keyof Cdc, 'operation_column'>;

const OPERATIONS = ['insert', 'update', 'delete', 'read', 'refresh'] as const satisfies readonly Operation[];

/** The codes of a `cdc` block, trimmed; those that are not written are I, U, D and R. */
export function cdcSpec(cdc: Cdc): CdcSpec {
  const or = (listed: readonly string[] | undefined, fallback: string) => listed ?? [fallback];
  const [read, refresh] = [codesOf(cdc.read), codesOf(cdc.refresh)];
  return {
    operationColumn: cdc.operation_column,
    live: [
      ...or(codesOf(cdc.insert), 'I'),
      ...or(codesOf(cdc.update), 'U'),
      ...(read === undefined && refresh === undefined ? ['R'] : [...(read ?? []), ...(refresh ?? [])]),
    ],
    deleted: or(codesOf(cdc.delete), 'D'),
  };
}

function codesOf(listed: string | readonly string[] | undefined): readonly string[] | undefined {
  const list = typeof listed === 'string' ? [listed] : listed;
  return list?.map((code) => code.trim());
}

/** Reports empty codes, and a code that says two things. */
export function checkCdc(cdc: Partly<Cdc> | undefined, at: ConfigPath, report: Report): void {
  if (cdc === undefined) return;
  const { operation_column: column } = cdc;
  if (column?.trim() === '') {
    report.invalid([...at, 'operation_column'], 'operation_column must not be empty');
  }
  for (const operation of OPERATIONS) {
    if (codesOf(cdc[operation] as string | readonly string[] | undefined)?.includes('') === true) {
      report.invalid([...at, operation], `a code of ${operation} must not be empty`);
    }
  }
  if (column === undefined || OPERATIONS.some((operation) => report.isMuted([...at, operation]))) return;
  const { live, deleted } = cdcSpec({ ...cdc, operation_column: column } as Cdc);
  const both = deleted.find((code) => live.includes(code));
  if (both !== undefined) {
    report.invalid(
      [...at, 'delete'],
      `the code ${JSON.stringify(both)} stands for a delete and for something else`,
    );
  }
}
