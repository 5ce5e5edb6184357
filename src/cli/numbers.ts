import { FoundryError } from '../core/errors.ts';

/** @throws USE001 for anything but a positive integer below 10,000. */
export function atLeastOne(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new FoundryError('USE001', `${flag}: "${text}" is not a positive integer`);
  return Number(text);
}
