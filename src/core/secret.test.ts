import { expect, test } from 'bun:test';
import { maskSecrets, Secret } from './secret.ts';

test('a secret is masked wherever it stands in a text, also within the message of another program', () => {
  const secret = new Secret('hunter2-and-more');
  expect(String(secret)).toBe('***');
  expect(maskSecrets(`login failed for app/${secret.reveal()}: retry`)).toBe(
    'login failed for app/***: retry',
  );
});

test('user names and passwords of URLs and values of secret-looking parameters are masked, the rest is kept', () => {
  expect(maskSecrets('https://me:pa55@example.org/a?x=1')).toBe('https://***@example.org/a?x=1');
  expect(maskSecrets('https://example.org/a?x=1&api_key=abc&page=2')).toBe(
    'https://example.org/a?x=1&api_key=***&page=2',
  );
  expect(maskSecrets('https://e.org/b?sv=2&sig=a%2Bb&se=3')).toBe('https://e.org/b?sv=2&sig=***&se=3');
  expect(maskSecrets('https://e.org/?X-Amz-Signature=ab12&monkey=7')).toBe(
    'https://e.org/?X-Amz-Signature=***&monkey=7',
  );
  expect(maskSecrets('mail a@b.org about s3://bucket/key=1')).toBe('mail a@b.org about s3://bucket/key=1');
});
