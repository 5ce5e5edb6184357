import { didYouMean } from '../../core/nearest.ts';
import { type DataType, parseType, TYPE_NAMES } from '../../core/schema.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';

/** What YAML makes of `{price: decimal(10,2)}`: this, and a key `2)`. */
const CUT_DECIMAL = /^decimal\(\d+$/i;

/** Reports what names no type in a map of types by column. */
export function checkColumnTypes(
  types: Readonly<Record<string, string | undefined>>,
  at: ConfigPath,
  report: Report,
): void {
  for (const [column, type] of Object.entries(types)) {
    if (typeof type !== 'string' || parseType(type) !== undefined) continue;
    const here = [...at, column];
    if (CUT_DECIMAL.test(type)) {
      report.invalid(
        here,
        `${report.show(here, type)} is cut off, since a comma ends a value in braces: write the type in quotes, as "decimal(10,2)"`,
      );
      continue;
    }
    const guess = report.originOf(here) === undefined ? didYouMean(type, TYPE_NAMES) : '';
    report.invalid(
      here,
      `${report.show(here, type)} is not a type; types are ${TYPE_NAMES.join(', ')}${guess}`,
    );
  }
}

/** The types that `checkColumnTypes` found no problem in. */
export function columnTypes(types: Readonly<Record<string, string>>): Readonly<Record<string, DataType>> {
  const parsed: Record<string, DataType> = {};
  for (const [column, text] of Object.entries(types)) {
    const type = parseType(text);
    if (type === undefined) throw new Error(`type ${text} of ${column} was not checked`);
    Object.defineProperty(parsed, column, { value: type, enumerable: true });
  }
  return parsed;
}
