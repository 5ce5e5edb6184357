import { type Lexis, segmentsOf } from '../../config/database/sql-text.ts';

/** A query taken apart, as far as SQL Server asks it of whoever puts it into FROM. */
export interface QueryParts {
  /** `WITH … AS (…) `, which only stands before a whole statement; empty where there is none. */
  readonly before: string;
  /** Without an ORDER BY that chooses no rows (no TOP, no OFFSET): such a table has no order anyway. */
  readonly select: string;
}

interface Word {
  readonly word: string;
  readonly at: number;
}

/** Hoists the common tables of a query and drops an idle ORDER BY; of nothing inside of parentheses or quotes. */
export function forDerivedTable(query: string, lexis: Lexis): QueryParts {
  const words = outerWords(query, lexis);
  const start = words[0]?.word === 'with' ? words.find(({ word }) => word === 'select') : words[0];
  const from = start?.at ?? 0;
  const own = words.filter(({ at }) => at >= from);
  const order = own.findLast(({ word }) => word === 'order');
  const behind = own.filter(({ at }) => order !== undefined && at > order.at);
  const chooses = own.some(({ word }) => word === 'top') || behind.some(({ word }) => MEANT.has(word));
  const end = order === undefined || chooses ? query.length : order.at;
  return { before: query.slice(0, from), select: query.slice(from, end).trimEnd() };
}

/** What may stand behind an ORDER BY that is more than an order. */
const MEANT = new Set(['offset', 'for', 'option', 'union', 'except', 'intersect']);

/** Words outside of parentheses, in lower case. */
function outerWords(query: string, lexis: Lexis): readonly Word[] {
  const words: Word[] = [];
  let depth = 0;
  let from = 0;
  for (const { kind, text } of segmentsOf(query, lexis)) {
    if (kind === 'code') {
      for (const match of text.matchAll(/[()]|[\p{L}_@#][\p{L}\p{N}_@#$]*/gu)) {
        if (match[0] === '(') depth += 1;
        else if (match[0] === ')') depth -= 1;
        else if (depth === 0) words.push({ word: match[0].toLowerCase(), at: from + match.index });
      }
    }
    from += text.length;
  }
  return words;
}
