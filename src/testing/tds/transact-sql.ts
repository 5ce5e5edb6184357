import type { ServerMessage } from './tokens.ts';

/**
 * Turns the Transact-SQL that foundry writes into DuckDB's SQL: names in brackets, parameters, casts, OFFSET. What
 * SQL Server refuses in a derived table is refused here too, since that is what wrapping a query has to avoid.
 */
export function toDuckDb(text: string): string {
  const strings: string[] = [];
  let sql = text.replace(/--[^\n]*|N?'((?:[^']|'')*)'/g, (whole, inside?: string) => {
    if (whole.startsWith('--')) return ' ';
    strings.push(`'${inside ?? ''}'`);
    return `«${strings.length - 1}»`;
  });
  sql = sql
    .replace(
      /\[((?:[^\]]|\]\])+)\]/g,
      (_, name: string) => `"${name.replaceAll(']]', ']').replaceAll('"', '""')}"`,
    )
    .replace(/@(\w+)/g, '$$$1')
    .replace(/\bcount_big\b/gi, 'count')
    .replace(/\bwith\s*\(\s*\w+\s*\)/gi, '')
    .replace(
      /cast\(\s*(\$\w+)\s+as\s+(datetime2?|smalldatetime|datetimeoffset|time)\s*(?:\(\d\))?\s*\)/gi,
      (_, parameter: string, type: string) => `tds_${type.toLowerCase()}(${parameter})`,
    )
    .replace(/cast\(\s*(tds_datetime2\(\$\w+\))\s+as\s+(?:small)?datetime\s*\)/gi, '$1')
    // Without a collation of its own a char gets the database's code page.
    .replace(
      /cast\(\s*(\$\w+)\s+as\s+(?:var)?char\s*\(\s*(?:max|\d+)\s*\)\s*\)/gi,
      "regexp_replace($1, '[^\\x00-\\x7F]', '?', 'g')",
    )
    .replace(/(\$\w+)\s+collate\s+\w+/gi, '$1')
    .replace(/\bas\s+n?(?:var)?char\s*\(\s*(?:max|\d+)\s*\)/gi, 'as VARCHAR')
    .replace(/\bas\s+bit\b/gi, 'as BOOLEAN')
    .replace(/\bas\s+float(?:\(\d+\))?/gi, 'as DOUBLE')
    .replace(/\bas\s+varbinary\s*\(\s*(?:max|\d+)\s*\)/gi, 'as BLOB')
    .replace(/\bas\s+uniqueidentifier\b/gi, 'as UUID')
    .replace(
      /\boffset\s+(\d+)\s+rows?(?:\s+fetch\s+(?:next|first)\s+(\d+)\s+rows?\s+only)?/gi,
      (_, offset: string, limit?: string) =>
        `${limit === undefined ? '' : `LIMIT ${limit} `}${offset === '0' ? '' : `OFFSET ${offset}`}`,
    )
    .replace(
      /\bselect\s+top\s*\(?\s*(\d+)\s*\)?\s(.*)$/is,
      (_, limit: string, rest: string) => `select ${rest} LIMIT ${limit}`,
    );
  sql = withoutConvert(sql);
  return sql.replace(/«(\d+)»/g, (_, index: string) => strings[Number(index)] ?? '');
}

/** `CONVERT(type(n), expression, style)` → a cast: whatever has a style is kept as its ISO text, of n characters. */
function withoutConvert(sql: string): string {
  const start = /\bconvert\s*\(\s*n?varchar\s*\(\s*(\w+)\s*\)\s*,/i.exec(sql);
  if (start === null) return sql;
  const from = start.index + start[0].length;
  let depth = 1;
  let comma = 0;
  let at = from;
  for (; at < sql.length && depth > 0; at += 1) {
    const character = sql[at];
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 1) comma = at;
  }
  const expression = sql.slice(from, comma === 0 ? at - 1 : comma);
  const cut = start[1]?.toLowerCase() === 'max' ? '' : `[:${start[1]}]`;
  return withoutConvert(`${sql.slice(0, start.index)}CAST(${expression} AS VARCHAR)${cut}${sql.slice(at)}`);
}

/** Errors 1033 and 156: ORDER BY without TOP or OFFSET, and WITH, inside of parentheses. */
export function refusedBySqlServer(text: string): ServerMessage | undefined {
  const bare = text.replace(/--[^\n]*|N?'(?:[^']|'')*'|\[(?:[^\]]|\]\])+\]/g, ' ? ');
  const open: { ordered: boolean; bounded: boolean }[] = [];
  for (const match of bare.matchAll(/\(\s*with\b|\(|\)|\border\s+by\b|\b(?:top|offset|over)\b/gi)) {
    const word = match[0].toLowerCase();
    if (/^\(\s*with$/.test(word) && !/^\s*\(/.test(bare.slice(match.index + match[0].length))) {
      return { number: 156, message: "Incorrect syntax near the keyword 'with'.", severity: 15 };
    }
    const level = open.at(-1);
    if (word.startsWith('(')) {
      // An ORDER BY of a window stands in the parentheses behind OVER.
      const window = /\bover\s*$/i.test(bare.slice(0, match.index));
      open.push({ ordered: false, bounded: window });
    } else if (word === ')') {
      const closed = open.pop();
      if (closed?.ordered === true && !closed.bounded) {
        return {
          number: 1033,
          severity: 15,
          message:
            'The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table expressions, unless TOP, OFFSET or FOR XML is also specified.',
        };
      }
    } else if (level !== undefined) {
      if (word.startsWith('order')) level.ordered = true;
      else if (word !== 'over') level.bounded = true;
    }
  }
  return undefined;
}

/** What the engine's refusal would be called by SQL Server. */
export function asServerMessage(error: unknown): ServerMessage {
  const message = error instanceof Error ? error.message : String(error);
  const table = /Table with name "?([^"!]+?)"? does not exist/.exec(message)?.[1];
  if (table !== undefined) return { number: 208, message: `Invalid object name '${table}'.` };
  const column = /Referenced column "([^"]+)" (?:was )?not found|does not have a column named "([^"]+)"/.exec(
    message,
  );
  if (column !== null) return { number: 207, message: `Invalid column name '${column[1] ?? column[2]}'.` };
  if (message.includes('Conversion failed')) {
    return {
      number: 241,
      message: 'Conversion failed when converting date and/or time from character string.',
    };
  }
  const near = /syntax error at (?:or near "([^"]*)"|end of input)/.exec(message);
  if (near !== null) {
    return { number: 102, severity: 15, message: `Incorrect syntax near '${near[1] ?? ''}'.` };
  }
  return { number: 50_000, message };
}
