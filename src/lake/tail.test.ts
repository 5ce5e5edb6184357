import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { tailOf } from './tail.ts';

test('a tail gives any of the last bytes of a stream in chunks of any size, and nothing it does not have', () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 12 });
  fc.assert(
    fc.property(chunks, fc.nat(20), fc.nat(110), fc.nat(110), (given, size, a, b) => {
      const whole = Buffer.concat(given);
      const tail = tailOf(size);
      for (const chunk of given) tail.add(chunk);
      const [start, end] = [Math.min(a, b), Math.max(a, b)];
      const got = tail.slice(start, end);
      if (got !== undefined) expect(Buffer.from(got)).toEqual(whole.subarray(start, end));
      if (end > whole.length) expect(got).toBeUndefined();
      else if (start >= whole.length - size) expect(got).toBeDefined();
    }),
  );
});
