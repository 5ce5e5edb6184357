import type { SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import type { Field, TableSchema } from '../core/schema.ts';
import { MODELS } from './models/registry.ts';
import type { Relation } from './relation.ts';
import { newName } from './rename.ts';

/** Columns that an intent need not declare (original-behaviour §5.4.2). */
const ALWAYS_ALLOWED = new Set(['is_deleted', 'deleted_flag', 'run_date']);
/** Names that the scan of Bronze uses beside the data's, before any is renamed. */
const SCANNED = ['file_row_number', 'file_index', '__file', '__row'];
/** Names that foundry's own SQL uses beside the data's. */
const RESERVED = new Set([...SCANNED, '__order', '__next', '__status', '__deleted', '__change', '__fault']);

/** Numbers whose bits tell what changed. */
const MASK = /^__changed\d+$/;

export interface KeptColumns {
  /** In Bronze's order. */
  readonly kept: readonly Field[];
  /** Undeclared columns that `allow_new_columns` left out. */
  readonly dropped: readonly string[];
  /** All undeclared columns, kept (`new_columns: keep`) or not. */
  readonly undeclared: readonly string[];
}

/**
 * Under `strict`, parts are of the same columns: a batch of others is not united with the rest unseen. What
 * `types` gives a type may come in several.
 * @param source as Bronze names its columns.
 * @throws SCHEMA001 naming the columns.
 */
export function refuseUnevenParts(spec: SilverSpec, source: Relation): void {
  if (spec.schemaMode !== 'strict') return;
  const isTyped = (column: string): boolean =>
    spec.shaping !== undefined && Object.hasOwn(spec.shaping.types, newName(spec.shaping, column));
  const problems = [
    ...source.absent.map(({ column, part }) => `"${column}" is missing in ${part}`),
    ...source.widened
      .filter(({ column }) => !isTyped(column))
      .map(({ column, from }) => `"${column}" is ${from.join(' here, ')} there`),
  ];
  if (problems.length === 0) return;
  const columns = new Set([...source.absent, ...source.widened].map(({ column }) => column));
  throw new FoundryError(
    'SCHEMA001',
    `the parts of Bronze have different columns, and schema_mode is strict: ${problems.join('; ')}`,
    {
      details: { columns: [...columns].join(', ') },
      hint: 'Land the older part again, give the columns types, or set schema_mode: allow_new_columns.',
    },
  );
}

/**
 * A new name comes too late for these: by them rows are known from each other, so that a column of the same name
 * would make one row of several, or several of one.
 * @param source as Bronze names its columns.
 * @throws SCHEMA001 naming the column.
 */
export function refuseScanned(source: TableSchema): void {
  const taken = source.fields.find(({ name }) => SCANNED.includes(name.toLowerCase()));
  if (taken !== undefined) throw reserved(taken.name);
}

function reserved(name: string): FoundryError {
  return new FoundryError('SCHEMA001', `the column name "${name}" is reserved`, {
    details: { column: name },
    hint: 'Rename the column at the source, or leave it out with the option columns of the source.',
  });
}

/**
 * Which columns go on, by what the config declares.
 * @throws SCHEMA001 naming every column that is missing or, under `strict`, not declared.
 */
export function keepColumns(spec: SilverSpec, found: TableSchema): KeptColumns {
  const names = found.fields.map((field) => field.name);
  refuseAmbiguous(names);
  const prepares = MODELS[spec.model].preparation !== 'none';
  const required = new Set([
    ...(prepares ? spec.keys : []),
    ...(prepares && spec.orderColumn !== undefined ? [spec.orderColumn] : []),
    ...(prepares && spec.sequenceColumn !== undefined ? [spec.sequenceColumn] : []),
    ...(prepares && spec.cdc !== undefined ? [spec.cdc.operationColumn] : []),
    ...(spec.attributes ?? []),
    ...(spec.partitioning.recordTime === undefined ? [] : [spec.partitioning.recordTime.column]),
  ]);
  const missing = [...required].filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new FoundryError(
      'SCHEMA001',
      `Bronze lacks ${plural(missing.length, 'column')} that the config names: ` +
        missing.map((name) => `"${name}"${didYouMean(name, names)}`).join(', '),
      { details: { missing: missing.join(', ') }, hint: `Bronze has: ${names.join(', ')}.` },
    );
  }
  const goesOn = ({ name }: Field): boolean => !prepares || !isOnlyOperation(spec, name);
  if (spec.schemaMode === undefined)
    return { kept: found.fields.filter(goesOn), dropped: [], undeclared: [] };

  const declared = new Set<string | undefined>([
    ...required,
    ...spec.keys,
    spec.orderColumn,
    spec.sequenceColumn,
    ...spec.partitioning.columns,
    ...(spec.replacedColumns ?? []),
  ]);
  const isAllowed = (name: string): boolean =>
    declared.has(name) || ALWAYS_ALLOWED.has(name) || name.startsWith('_');
  const unexpected = names.filter((name) => !isAllowed(name));
  if (spec.schemaMode === 'strict' && unexpected.length > 0) {
    throw new FoundryError(
      'SCHEMA001',
      `Bronze has ${plural(unexpected.length, 'column')} that the config does not declare: ${unexpected.map((name) => `"${name}"`).join(', ')}`,
      { details: { unexpected: unexpected.join(', ') } },
    );
  }
  if (spec.keepNewColumns === true)
    return { kept: found.fields.filter(goesOn), dropped: [], undeclared: unexpected };
  return {
    kept: found.fields.filter((field) => isAllowed(field.name) && goesOn(field)),
    dropped: unexpected,
    undeclared: unexpected,
  };
}

/** The operation column says what a row does, and nothing about the record, unless the config lists it too. */
function isOnlyOperation(spec: SilverSpec, name: string): boolean {
  const listed = [
    ...(spec.attributes ?? []),
    ...spec.keys,
    ...spec.partitioning.columns,
    spec.orderColumn,
    spec.sequenceColumn,
    spec.partitioning.recordTime?.column,
  ];
  return name === spec.cdc?.operationColumn && !listed.includes(name);
}

/** SQL folds case: columns that differ only by it, or that have names of foundry's own, cannot be told apart. */
function refuseAmbiguous(names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const folded = name.toLowerCase();
    const other = seen.get(folded);
    if (RESERVED.has(folded) || MASK.test(folded)) throw reserved(name);
    if (other !== undefined) {
      throw new FoundryError(
        'SCHEMA001',
        `the columns "${other}" and "${name}" differ by case only, which SQL engines cannot tell apart`,
        { hint: 'Give one of them another name with schema.rename_map, or at the source.' },
      );
    }
    seen.set(folded, name);
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
