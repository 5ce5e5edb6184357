import { expect, test } from 'bun:test';
import { apiSource } from '../../config/api/source.ts';
import { endpointUrl } from './requests.ts';

const url = (base: string, endpoint?: string): string =>
  endpointUrl(apiSource({ base_url: base, ...(endpoint !== undefined && { endpoint }) }, {}), {}).href;

test.each<[string, string | undefined, string]>([
  ['https://x.example', undefined, 'https://x.example/'],
  ['https://x.example', '/rows', 'https://x.example/rows'],
  ['https://x.example/', 'rows', 'https://x.example/rows'],
  ['https://x.example/api/v1//', '//rows/', 'https://x.example/api/v1/rows/'],
  [
    'https://x.example/api?v=1',
    'rows?state=a%20b&state=c',
    'https://x.example/api/rows?v=1&state=a+b&state=c',
  ],
  ['https://x.example', '/a%2Fb/ü?q=a?b', 'https://x.example/a%2Fb/%C3%BC?q=a%3Fb'],
  ['http://[::1]:8080', '/rows#part', 'http://[::1]:8080/rows%23part'],
])('%s and %s make %s', (base, endpoint, whole) => {
  expect(url(base, endpoint)).toBe(whole);
});
