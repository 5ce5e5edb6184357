import type { Pagination } from '../../../config/api/spec.ts';
import { cursorScheme, keysetScheme, linkHeaderScheme, nextUrlScheme, singleScheme } from './linked.ts';
import { offsetScheme, pageScheme } from './numbered.ts';
import type { Scheme } from './scheme.ts';

export function openScheme(pagination: Pagination): Scheme {
  switch (pagination.type) {
    case 'none':
      return singleScheme;
    case 'offset':
      return offsetScheme(pagination);
    case 'page':
      return pageScheme(pagination);
    case 'cursor':
      return cursorScheme(pagination);
    case 'link_header':
      return linkHeaderScheme;
    case 'next_url':
      return nextUrlScheme(pagination);
    case 'keyset':
      return keysetScheme(pagination);
  }
}
