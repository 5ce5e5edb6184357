import * as v from 'valibot';

/**
 * What a source wants to be told by the next run, in a form that only it understands: any JSON. Committed with the rows,
 * so that neither can be there without the other.
 */
export const sourceStateSchema = v.looseObject({
  value: v.unknown(),
  /** The value as JSON, letter by letter, where `value` does not say the same: of numbers, a parser may keep fewer digits. */
  text: v.exactOptional(v.string()),
});

export interface SourceState {
  readonly value: unknown;
  readonly text?: string;
}

/** The state that a manifest's `state` block holds; undefined where there is none. */
export function sourceStateOf(block: unknown): SourceState | undefined {
  const parsed = v.safeParse(sourceStateSchema, block);
  if (!parsed.success || !('value' in parsed.output)) return undefined;
  const { value, text } = parsed.output;
  return { value, ...(text !== undefined && { text }) };
}
