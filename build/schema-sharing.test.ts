import { expect, test } from 'bun:test';
import { sharedSchema } from './schema-sharing.ts';

type Json = { readonly [key: string]: unknown };

/** The schema with what it refers to in place. */
function expanded(node: unknown, definitions: Json): unknown {
  if (Array.isArray(node)) return node.map((item) => expanded(item, definitions));
  if (typeof node !== 'object' || node === null) return node;
  const { $ref, definitions: _own, ...rest } = node as Json;
  if (typeof $ref === 'string') return expanded(definitions[$ref.replace('#/definitions/', '')], definitions);
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, expanded(value, definitions)]));
}

test('parts that stand several times stand once, and the schema means the same', () => {
  const long = 'x'.repeat(1000);
  const inner = { type: 'object', description: long, properties: { items: { type: 'string' } } };
  const outer = { type: 'object', description: long, properties: { inner, anyOf: { type: 'number' } } };
  const other = { type: 'array', items: inner, description: 'its own' };
  const root = {
    title: 't',
    anyOf: [{ properties: { a: outer, b: outer, inner: other } }, { properties: { a: outer } }],
  };
  const shared = sharedSchema(root);
  const text = JSON.stringify(shared);
  expect(text.split(long)).toHaveLength(3);
  expect(Object.keys(shared.definitions as Json)).toEqual(['a', 'inner']);
  expect(expanded(shared, shared.definitions as Json)).toEqual(root);
});
