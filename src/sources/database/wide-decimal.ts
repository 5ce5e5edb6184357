import { FoundryError } from '../../core/errors.ts';
import type { DataType } from '../../core/schema.ts';
import type { TypePolicy } from './driver.ts';

const WIDEST = 38;

/** A decimal's type: text where it has more digits than can be kept. @throws DATA001 where the policy refuses that. */
export function wideDecimal(
  column: {
    readonly name: string;
    readonly sourceType: string;
    readonly precision: number;
    readonly scale: number;
  },
  policy: Pick<TypePolicy, 'wideDecimals' | 'types'>,
): DataType {
  const { name, sourceType, precision, scale } = column;
  if (precision <= WIDEST) return { kind: 'decimal', precision, scale };
  if (policy.wideDecimals === 'text' || Object.hasOwn(policy.types, name)) return { kind: 'string' };
  throw new FoundryError(
    'DATA001',
    `the column "${name}" is a ${sourceType}: ${precision} digits, of which ${WIDEST} can be kept`,
    {
      details: { column: name },
      hint: 'Set wide_decimals: text, give the column a type with db.types, or cast it in the query.',
    },
  );
}
