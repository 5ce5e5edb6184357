import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { maskSecrets, Secret, withoutSecrets } from './secret.ts';

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

test('what is kept holds no secret in any form: as it is, in URLs, forms, JSON, or anywhere within base64', () => {
  const secrets = ['s3cret key+/="ü"', 'plainsecret123', 'a~b!c*d(e)f'];
  for (const text of secrets) new Secret(text);
  fc.assert(
    fc.property(fc.constantFrom(...secrets), fc.string(), fc.string(), (secret, before, after) => {
      const around = `${before}${secret}${after}`;
      const base64 = Buffer.from(around).toString('base64');
      const url = Buffer.from(around).toString('base64url');
      for (const text of [
        around,
        encodeURIComponent(secret),
        `${new URLSearchParams({ a: secret })}`,
        base64,
        url,
      ]) {
        const kept = withoutSecrets(`x ${text} y`);
        expect(kept).not.toContain(secret);
        expect(kept).not.toContain(encodeURIComponent(secret));
        expect(Buffer.from(kept.split(' ')[1] ?? '', 'base64').toString('latin1')).not.toContain(
          Buffer.from(secret).toString('latin1'),
        );
      }
      expect(withoutSecrets(JSON.stringify({ a: around }))).not.toContain(
        JSON.stringify(secret).slice(1, -1),
      );
    }),
    { numRuns: 300 },
  );
  expect(withoutSecrets('https://e.org/?next_token=abc&page=2')).toBe('https://e.org/?next_token=abc&page=2');
});
