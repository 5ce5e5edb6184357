/** A decimal number as it was written, taken apart: value = ±digits · 10^exponent. */
export interface DecimalText {
  readonly negative: boolean;
  /** Without leading and trailing zeros; `''` is zero. */
  readonly digits: string;
  readonly exponent: number;
}

const NUMBER = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,9}))?$/;

/** Undefined when the text is no decimal number, or its exponent has more than nine digits. */
export function takeNumberApart(text: string): DecimalText | undefined {
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  return {
    negative: sign === '-',
    digits,
    exponent: digits === '' ? 0 : Number(exponent) - fraction.length + (all.length - digits.length),
  };
}

/** Whether the shortest text of the nearest double is this very number. */
export function isExactDouble(number: DecimalText, text: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return false;
  const back = takeNumberApart(String(value));
  return back !== undefined && back.digits === number.digits && back.exponent === number.exponent;
}

/** Digits before and behind the point that a decimal column needs for the number. */
export function decimalRoom(number: DecimalText): { readonly whole: number; readonly scale: number } {
  return {
    whole: Math.max(0, number.digits.length + number.exponent),
    scale: Math.max(0, -number.exponent),
  };
}

/** The unscaled value; undefined when digits would be lost or do not fit. */
export function unscaledDecimal(number: DecimalText, precision: number, scale: number): bigint | undefined {
  const { whole, scale: needed } = decimalRoom(number);
  if (needed > scale || whole > precision - scale) return undefined;
  const unscaled = number.digits === '' ? 0n : BigInt(number.digits) * 10n ** BigInt(number.exponent + scale);
  return number.negative ? -unscaled : unscaled;
}
