const LINK = /\s*<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s";,]*))?)*)\s*(?:,|$)/y;
const PARAMETER = /;\s*([^\s=;,]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*)))?/g;

/** The target of the first link of a `Link` header whose relation is `next` (RFC 8288, section 3). */
export function nextLink(header: string): string | undefined {
  let at = 0;
  while (at < header.length) {
    LINK.lastIndex = at;
    const match = LINK.exec(header);
    if (match === null) return undefined;
    const [whole, target, parameters = ''] = match;
    if (relationsOf(parameters).includes('next')) return target;
    at += whole.length;
  }
  return undefined;
}

/** Only the first `rel` counts (section 3.3). */
function relationsOf(parameters: string): readonly string[] {
  for (const [, name = '', quoted, plain] of parameters.matchAll(PARAMETER)) {
    if (name.toLowerCase() === 'rel') return (quoted ?? plain ?? '').toLowerCase().split(/\s+/);
  }
  return [];
}
