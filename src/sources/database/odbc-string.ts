/** `key=value;key={value with ; and }} in it}`: the pairs of an ODBC or ADO.NET connection string, in order. */
export interface Pair {
  readonly key: string;
  readonly value: string;
}

export interface BrokenString {
  /** What is wrong, in words that name no value. */
  readonly problem: string;
}

/**
 * ODBC: a value in braces may hold anything, `}` doubled. ADO.NET: a value in double or single quotes may, the quote
 * doubled. Any other value goes to the next semicolon, blanks around it left out.
 * Source: "SQLDriverConnect", ODBC Programmer's Reference; System.Data.Common.DbConnectionStringBuilder.
 */
export function parsePairs(text: string): readonly Pair[] | BrokenString {
  const pairs: Pair[] = [];
  let at = 0;
  while (at < text.length) {
    const next = /[;\s]*/y;
    next.lastIndex = at;
    at += next.exec(text)?.[0].length ?? 0;
    if (at >= text.length) break;
    const equals = text.indexOf('=', at);
    const key = equals < 0 ? '' : text.slice(at, equals).trim();
    if (key === '' || key.includes(';')) return { problem: `part ${pairs.length + 1} is no key=value` };
    const value = valueAt(text, equals + 1);
    if (value === undefined) return { problem: `the value of ${key} is not closed` };
    pairs.push({ key, value: value.value });
    at = value.end;
    if (at < text.length && text[at] !== ';') return { problem: `something follows the value of ${key}` };
  }
  return pairs;
}

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '"': '"', "'": "'" };

function valueAt(text: string, from: number): { readonly value: string; readonly end: number } | undefined {
  let at = from;
  while (at < text.length && /\s/.test(text[at] ?? '')) at += 1;
  const closing = CLOSING[text[at] ?? ''];
  if (closing === undefined) {
    const semicolon = text.indexOf(';', at);
    const end = semicolon < 0 ? text.length : semicolon;
    return { value: text.slice(at, end).trim(), end };
  }
  let value = '';
  for (at += 1; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char !== closing) value += char;
    else if (text[at + 1] === closing) {
      value += char;
      at += 1;
    } else {
      let end = at + 1;
      while (end < text.length && /\s/.test(text[end] ?? '')) end += 1;
      return { value, end };
    }
  }
  return undefined;
}

/** `host=a user='b c'`, as libpq has it: blanks between pairs, `\` before a quote or a backslash. */
export function parseKeywords(text: string): readonly Pair[] | BrokenString {
  const pairs: Pair[] = [];
  const pattern = /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/y;
  let at = 0;
  while (text.slice(at).trim() !== '') {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return { problem: `part ${pairs.length + 1} is no key=value` };
    pairs.push({ key: match[1] ?? '', value: (match[2] ?? match[3] ?? '').replaceAll(/\\(.)/gs, '$1') });
    at = pattern.lastIndex;
  }
  return pairs;
}

export function isPairs(pairs: readonly Pair[] | BrokenString): pairs is readonly Pair[] {
  return Array.isArray(pairs);
}
