import { expect, test } from 'bun:test';
import { hooksOf, webhookUrls } from './hook-flags.ts';

test('the addresses that a run may send to are those of the flags and of the variables, of lineage and telemetry too, each once', () => {
  const hooks = hooksOf(
    {
      'on-success-webhook': 'https://a.example\u0000https://b.example',
      'on-failure-webhook': 'https://a.example',
    },
    { FOUNDRY_ON_FAILURE_WEBHOOK: ' https://c.example  https://d.example ', FOUNDRY_ON_SUCCESS_WEBHOOK: '' },
  );
  expect(webhookUrls(hooks, { OPENLINEAGE_URL: 'https://e.example' })).toEqual([
    'https://a.example',
    'https://b.example',
    'https://c.example',
    'https://d.example',
    'https://e.example',
  ]);
  expect(hooks.onSuccess.webhooks).toEqual(['https://a.example', 'https://b.example']);
  expect(webhookUrls(hooksOf({}, {}), {})).toEqual([]);
});
