// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Why a text from a config cannot be one folder or file name (decision on paths from configs), or undefined
 * when it can.
 */
export function nameProblem(text: string): string | undefined {
  if (text.trim() === '') return 'must not be empty';
  if (text !== text.trim()) return 'must not begin or end with a space';
  if (CONTROL.test(text)) return 'must not contain control characters';
  if (/[/\\]/.test(text)) return 'must be one name, without / or \\';
  if (text === '.' || text.includes('..')) return 'must not be "." or contain ".."';
  if (new TextEncoder().encode(text).length > 200) return 'must not be longer than 200 bytes';
  return undefined;
}

/** Like `nameProblem`, for the left side of a `name=value` folder. */
export function partitionNameProblem(text: string): string | undefined {
  return nameProblem(text) ?? (text.includes('=') ? 'must not contain =' : undefined);
}

/** Whether this runtime knows the IANA zone. Offsets such as `+02:00` are not zones. */
export function isTimezone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    new Intl.DateTimeFormat('en-CA', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

/** Folders of Bronze that always have these names. */
export const BRONZE_FOLDERS = ['env', 'hour', 'batch', 'batch_id'] as const;
