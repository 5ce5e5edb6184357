import * as v from 'valibot';

export type Schema = v.GenericSchema;

/** What the schema of a key says beside its type; read by validation, the JSON Schemas and the docs. */
export interface Notes {
  /** The key is accepted and has no effect; the text says what replaces it. */
  readonly obsolete?: string;
  /** The key belongs elsewhere: the text is the path. */
  readonly moved?: string;
  /** How docs describe a default that is not a constant. */
  readonly fallback?: string;
}

type Documented<S extends Schema> = v.SchemaWithPipe<
  readonly [
    S,
    v.DescriptionAction<v.InferOutput<S>, string>,
    v.MetadataAction<v.InferOutput<S>, { readonly notes: Notes }>,
  ]
>;

/** A key that must be there. */
export function required<const S extends Schema>(
  description: string,
  schema: S,
  notes: Notes = {},
): Documented<S> {
  return v.pipe(
    schema,
    v.description<v.InferOutput<S>, string>(description),
    v.metadata<v.InferOutput<S>, { readonly notes: Notes }>({ notes }),
  ) as Documented<S>;
}

/** A key that may be absent; an empty value (`key:`) counts as absent. */
export function optional<const S extends Schema>(
  description: string,
  schema: S,
  notes: Notes = {},
): v.OptionalSchema<Documented<S>, undefined> {
  return v.optional(required(description, schema, notes));
}

export const text = v.string('must be text');
export const flag = v.boolean('must be true or false');

const POSITIVE = 'must be a positive integer';
export const positiveInteger = v.pipe(v.number(POSITIVE), v.safeInteger(POSITIVE), v.minValue(1, POSITIVE));

const WHOLE = 'must be an integer';
export const integer = v.pipe(v.number(WHOLE), v.safeInteger(WHOLE));

const NOT_NEGATIVE = 'must be an integer of 0 or more';
export const count = v.pipe(v.number(NOT_NEGATIVE), v.safeInteger(NOT_NEGATIVE), v.minValue(0, NOT_NEGATIVE));

const ABOVE_ZERO = 'must be a number greater than 0';
export const aboveZero = v.pipe(v.number(ABOVE_ZERO), v.finite(ABOVE_ZERO), v.gtValue(0, ABOVE_ZERO));

const PERCENT = 'must be a number from 0 to 100';
export const percent = v.pipe(v.number(PERCENT), v.minValue(0, PERCENT), v.maxValue(100, PERCENT));

/** A text, or a number that stands for its digits. */
export const textOrNumber = v.union([text, v.number()], 'must be a text or a number');

const SHARE = 'must be a number from 0 to 1';
export const share = v.pipe(v.number(SHARE), v.minValue(0, SHARE), v.maxValue(1, SHARE));

export const textList = v.array(text, 'must be a list of texts');
/** `a` is read as `[a]`. */
export const textOrList = v.union([text, textList], 'must be a text or a list of texts');
export const textMap = v.record(v.string(), text, 'must be a mapping of texts');
/** A block that a later version reads in full. */
export const anyMapping = v.looseObject({}, 'must be a mapping');

/** One of some names, in any case, with spaces around it. */
export function choice<const T extends readonly [string, ...string[]]>(
  options: T,
): v.PicklistSchema<T, undefined> {
  return v.picklist(options);
}

/** A mapping whose keys are all known. */
export function section<const E extends v.ObjectEntries>(entries: E): v.StrictObjectSchema<E, string> {
  return v.strictObject(entries, 'must be a mapping');
}

/** The notes of a key's schema, wherever `required` or `optional` put them. */
export function notesOf(schema: Schema): Notes {
  const metadata: { readonly notes?: Notes } = v.getMetadata(unwrap(schema));
  return metadata.notes ?? {};
}

export function descriptionOf(schema: Schema): string {
  return v.getDescription(unwrap(schema)) ?? '';
}

/** The schema of the value itself: without `optional` around it. */
export function unwrap(schema: Schema): Schema {
  return isOptional(schema) ? (schema.wrapped as Schema) : schema;
}

export function isOptional(schema: Schema): schema is v.OptionalSchema<Schema, undefined> {
  return schema.type === 'optional';
}

/** The known keys of a section, or undefined when the schema is no section. */
export function entriesOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const inner = unwrap(schema);
  return inner.type === 'strict_object'
    ? (inner as unknown as v.StrictObjectSchema<Record<string, Schema>, string>).entries
    : undefined;
}

/** The names that a choice takes, or undefined when the schema is no choice. */
export function choicesOf(schema: Schema): readonly string[] | undefined {
  const inner = unwrap(schema);
  return inner.type === 'picklist'
    ? (inner as unknown as v.PicklistSchema<readonly string[], undefined>).options
    : undefined;
}
