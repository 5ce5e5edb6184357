import type { Refuse } from './connection-fields.ts';
import { isPairs, type Pair, parsePairs } from './odbc-string.ts';

/** The part behind `scheme://`. Parsed by hand: the URL class treats databases' schemes and their passwords unlike each other. */
export function pairsOfUrl(rest: string, refuse: Refuse): readonly Pair[] {
  const [beforeQuery = '', query = ''] = cut(rest, rest.indexOf('?'));
  // SQL Server's JDBC driver has `;key=value` where others have `?key=value&…`.
  const [main = '', properties = ''] = cut(beforeQuery, beforeQuery.indexOf(';'));
  const slash = main.indexOf('/', main.lastIndexOf('@') + 1);
  const [authority = '', path = ''] = cut(main, slash);
  const at = authority.lastIndexOf('@');
  const place = authority.slice(at + 1);
  const pairs: Pair[] = [];
  const add = (key: string, value: string): void => {
    if (value !== '') pairs.push({ key, value: decode(value, key, refuse) });
  };
  if (at >= 0) {
    const [user = '', password = ''] = cut(authority.slice(0, at), authority.slice(0, at).indexOf(':'));
    add('user', user);
    add('password', password);
  }
  if (place.includes(',')) throw refuse('several hosts are not supported', 'Name one host.');
  const host = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(place);
  if (host === null) throw refuse('the host cannot be read', 'Write IPv6 addresses in brackets.');
  add('host', (host[1] ?? '').replace(/^\[(.*)\]$/, '$1'));
  add('port', host[2] ?? '');
  add('database', path.replace(/\/$/, ''));
  for (const part of query.split('&').filter((text) => text !== '')) {
    const [key = '', value = ''] = cut(part, part.indexOf('='));
    add(decode(key, 'a key', refuse), value.replaceAll('+', '%20'));
  }
  const more = parsePairs(properties);
  if (!isPairs(more)) throw refuse(more.problem);
  return [...pairs, ...more];
}

/** The text before and behind a character; all of it and nothing where `at` is negative. */
function cut(text: string, at: number): readonly [string, string] {
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string, what: string, refuse: Refuse): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse(
      `${what} holds a % that is no percent-encoding`,
      'Write % itself as %25, @ as %40, / as %2F.',
    );
  }
}
