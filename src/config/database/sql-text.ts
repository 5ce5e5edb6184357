/** How strings, names and comments begin and end in one database's SQL. */
export interface Lexis {
  /** `\'` inside strings. */
  readonly backslashEscapes: boolean;
  /** Characters that quote names, beside `"`. */
  readonly nameQuotes: readonly ('`' | '[')[];
  /** `$tag$ … $tag$` */
  readonly dollarQuotes: boolean;
  /** `# …` */
  readonly hashComments: boolean;
  readonly nestedComments: boolean;
}

/** For a query whose database is not known yet: what any of them quotes. */
export const ANY_LEXIS: Lexis = {
  backslashEscapes: false,
  nameQuotes: ['`'],
  dollarQuotes: true,
  hashComments: false,
  nestedComments: true,
};

/** A stretch of SQL: what is executed, what is quoted as it stands, what is commentary. */
export interface Segment {
  readonly kind: 'code' | 'quoted' | 'comment';
  readonly text: string;
}

/** Takes SQL apart; joined again, the segments are the SQL. What is not closed goes to the end. */
export function segmentsOf(sql: string, lexis: Lexis): readonly Segment[] {
  const segments: Segment[] = [];
  let code = '';
  let at = 0;
  while (at < sql.length) {
    const length = quotedLength(sql, at, lexis);
    const comment = length === 0 ? commentLength(sql, at, lexis) : 0;
    if (length + comment === 0) {
      code += sql[at];
      at += 1;
      continue;
    }
    if (code !== '') segments.push({ kind: 'code', text: code });
    code = '';
    segments.push({ kind: length > 0 ? 'quoted' : 'comment', text: sql.slice(at, at + length + comment) });
    at += length + comment;
  }
  if (code !== '') segments.push({ kind: 'code', text: code });
  return segments;
}

function quotedLength(sql: string, at: number, lexis: Lexis): number {
  const char = sql[at] ?? '';
  if (char === "'") {
    // E'…' of PostgreSQL has backslash escapes whatever the rest has.
    const escapes = lexis.backslashEscapes || /(?:^|[^\w$])[eE]$/.test(sql.slice(Math.max(0, at - 2), at));
    return closedLength(sql, at, "'", escapes);
  }
  if (char === '"') return closedLength(sql, at, '"', lexis.backslashEscapes);
  if (char === '`' && lexis.nameQuotes.includes('`')) return closedLength(sql, at, '`', false);
  if (char === '[' && lexis.nameQuotes.includes('[')) return closedLength(sql, at, ']', false);
  if (char === '$' && lexis.dollarQuotes && !/[\w$]/.test(sql[at - 1] ?? '')) {
    const tag = /^\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/.exec(sql.slice(at, at + 70))?.[0];
    if (tag === undefined) return 0;
    const end = sql.indexOf(tag, at + tag.length);
    return (end < 0 ? sql.length : end + tag.length) - at;
  }
  return 0;
}

/** Of a text that a character closes; doubled it stands for itself. */
function closedLength(sql: string, from: number, close: string, escapes: boolean): number {
  let at = from + 1;
  while (at < sql.length) {
    if (escapes && sql[at] === '\\') at += 2;
    else if (sql[at] !== close) at += 1;
    else if (sql[at + 1] === close) at += 2;
    else return at + 1 - from;
  }
  return sql.length - from;
}

function commentLength(sql: string, at: number, lexis: Lexis): number {
  const two = sql.slice(at, at + 2);
  if (two === '--' || (lexis.hashComments && two[0] === '#')) {
    const end = sql.indexOf('\n', at);
    return (end < 0 ? sql.length : end) - at;
  }
  if (two !== '/*') return 0;
  let depth = 1;
  let here = at + 2;
  while (here < sql.length && depth > 0) {
    const pair = sql.slice(here, here + 2);
    if (pair === '*/') depth -= 1;
    else if (pair === '/*' && lexis.nestedComments) depth += 1;
    here += pair === '*/' || pair === '/*' ? 2 : 1;
  }
  return Math.min(here, sql.length) - at;
}

/**
 * One statement without what follows its last token: semicolons, comments, blanks. Undefined where more than one
 * statement, or none, is there.
 */
export function singleStatement(sql: string, lexis: Lexis): string | undefined {
  const segments = [...segmentsOf(sql, lexis)];
  for (let last = segments.at(-1); last !== undefined; last = segments.at(-1)) {
    const rest = last.kind === 'code' ? last.text.replace(/[;\s]+$/, '') : last.text;
    if (last.kind === 'quoted' || (last.kind === 'code' && rest !== '')) {
      segments[segments.length - 1] = { ...last, text: rest };
      break;
    }
    segments.pop();
  }
  const isOne = segments.every(({ kind, text }) => kind !== 'code' || !text.includes(';'));
  return segments.length > 0 && isOne ? segments.map(({ text }) => text).join('') : undefined;
}

/** `{{ name }}`, and `:name` that is neither a cast (`::`) nor a part of something longer. */
const PLACEHOLDER = /\{\{\s*([A-Za-z_]\w*)\s*\}\}|(?<![:\w\]])(:)([A-Za-z_]\w*)(?!\w)/g;

export interface Placeholder {
  readonly name: string;
  /** As it is written. */
  readonly text: string;
}

/** Every placeholder outside of quotes and comments, in order. */
export function placeholdersOf(sql: string, lexis: Lexis): readonly Placeholder[] {
  const found: Placeholder[] = [];
  replacePlaceholders(sql, lexis, (placeholder) => {
    found.push(placeholder);
    return undefined;
  });
  return found;
}

/** @param replace gives what stands in its place, or undefined to leave it as it is. */
export function replacePlaceholders(
  sql: string,
  lexis: Lexis,
  replace: (placeholder: Placeholder) => string | undefined,
): string {
  return segmentsOf(sql, lexis)
    .map(({ kind, text }) =>
      kind === 'code'
        ? text.replaceAll(
            PLACEHOLDER,
            (whole: string, braced: string | undefined, _colon, named: string) =>
              replace({ name: braced ?? named, text: whole }) ?? whole,
          )
        : text,
    )
    .join('');
}
