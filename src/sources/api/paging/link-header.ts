const LINK =
  /[\s,]*<([^>]*)>((?:\s*;(?:\s*[^\s=;,]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s";,]*))?)?)*)\s*(?:,|$)/y;
const PARAMETER = /;\s*([^\s=;,]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*)))?/g;

export interface NextLink {
  /** The target of the first link whose relation is `next`; absent where none is. */
  readonly target?: string;
  /** What is no list of links, and may hide the next page; empty where all was read that had to be. */
  readonly unread: string;
}

/**
 * Looks for the next page in a `Link` header (RFC 8288, section 3). Commas and semicolons with nothing behind them are
 * passed over, as the grammar of lists asks of whoever reads them (RFC 9110, section 5.6.1.2).
 */
export function nextLink(header: string): NextLink {
  let at = 0;
  while (/[^\s,]/.test(header.slice(at))) {
    LINK.lastIndex = at;
    const match = LINK.exec(header);
    if (match === null) return { unread: header.slice(at).trim() };
    const [whole, target = '', parameters = ''] = match;
    if (relationsOf(parameters).includes('next')) return { target, unread: '' };
    at += whole.length;
  }
  return { unread: '' };
}

/** Only the first `rel` counts (section 3.3). */
function relationsOf(parameters: string): readonly string[] {
  for (const [, name = '', quoted, plain] of parameters.matchAll(PARAMETER)) {
    if (name.toLowerCase() !== 'rel') continue;
    // Apostrophes are no quotation marks there, but are written for them.
    const relations = quoted ?? (plain ?? '').replace(/^'(.*)'$/, '$1');
    return relations.toLowerCase().split(/\s+/);
  }
  return [];
}
