import * as v from 'valibot';

/**
 * What a source wants to be told by the next run, in a form that only it understands: any JSON. Committed with the rows,
 * so that neither can be there without the other.
 */
export const sourceStateSchema = v.looseObject({
  value: v.unknown(),
});

export interface SourceState {
  readonly value: unknown;
}

/** The state that a manifest's `state` block holds; undefined where there is none. */
export function sourceStateOf(block: unknown): SourceState | undefined {
  const parsed = v.safeParse(sourceStateSchema, block);
  return parsed.success && 'value' in parsed.output ? { value: parsed.output.value } : undefined;
}
