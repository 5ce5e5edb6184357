import { parseType, TYPE_NAMES } from '../core/schema.ts';

const WITHOUT_ORDER = ['boolean', 'binary', 'json'];

/** Why a text cannot be the type of a cursor column; undefined when it can. */
export function cursorTypeProblem(text: string): string | undefined {
  const type = parseType(text);
  if (type === undefined) return `${JSON.stringify(text)} is no type; there are ${TYPE_NAMES.join(', ')}`;
  return WITHOUT_ORDER.includes(type.kind) ? `a ${type.kind} column has no order for a cursor` : undefined;
}
