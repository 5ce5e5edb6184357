import { expect, test } from 'bun:test';
import type { ApiRequest, ApiResponse } from './exchange.ts';
import { lookahead } from './lookahead.ts';

const page = (n: number): ApiRequest => ({ method: 'GET', url: `https://a.example/${n}`, headers: {} });
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A network whose answers come when the test says so. */
function network() {
  const sent: number[] = [];
  const waiting = new Map<number, (response: ApiResponse) => void>();
  let most = 0;
  return {
    sent,
    get most() {
      return most;
    },
    async answer(n: number, bytes = 1) {
      waiting.get(n)?.({ url: '', status: 200, headers: {}, body: new Uint8Array(bytes) });
      waiting.delete(n);
      await turn();
    },
    exchange(request: ApiRequest) {
      const n = Number(request.url.split('/').at(-1));
      sent.push(n);
      return new Promise<ApiResponse>((resolve) => {
        waiting.set(n, resolve);
        most = Math.max(most, waiting.size);
      });
    },
  };
}

const signal = new AbortController().signal;

test('the next request goes out when an answer comes, whether or not anybody takes it, and no more than asked are under way', async () => {
  const api = network();
  const pipe = lookahead(api.exchange, 2, signal);
  for (const n of [1, 2, 3, 4, 2]) pipe.start(page(n));
  expect(api.sent).toEqual([1, 2]);
  await api.answer(2);
  expect(api.sent).toEqual([1, 2, 3]);
  await api.answer(1);
  expect(api.sent).toEqual([1, 2, 3, 4]);
  expect((await pipe.take(page(1))).status).toBe(200);
  expect((await pipe.take(page(2))).status).toBe(200);
  expect(api.most).toBe(2);
  pipe.close();
});

test('what is wanted now goes before what was asked for ahead', async () => {
  const api = network();
  const pipe = lookahead(api.exchange, 1, signal);
  for (const n of [1, 2, 3]) pipe.start(page(n));
  const wanted = pipe.take(page(9));
  await api.answer(1);
  expect(api.sent).toEqual([1, 9]);
  await api.answer(9);
  expect((await wanted).status).toBe(200);
  expect(api.sent).toEqual([1, 9, 2]);
  pipe.close();
});

test('large answers are asked for one by one, however many were asked for ahead', async () => {
  const api = network();
  const pipe = lookahead(api.exchange, 3, signal);
  for (let n = 1; n <= 9; n += 1) pipe.start(page(n));
  expect(api.sent).toEqual([1, 2, 3]);
  for (const n of [1, 2, 3]) await api.answer(n, 20_000_000);
  expect(api.sent).toEqual([1, 2, 3]);
  for (const n of [1, 2, 3]) await pipe.take(page(n));
  expect(api.sent).toEqual([1, 2, 3, 4, 5]);
  const wanted = pipe.take(page(6));
  expect(api.sent).toEqual([1, 2, 3, 4, 5, 6]);
  await api.answer(6, 20_000_000);
  expect((await wanted).status).toBe(200);
  pipe.close();
});

test('room ends with the number and with the bytes of the answers that wait, and comes back as they are taken', async () => {
  const api = network();
  const pipe = lookahead(api.exchange, 1, signal);
  pipe.start(page(1));
  await api.answer(1, 40_000_000);
  expect(pipe.hasRoom).toBe(false);
  await pipe.take(page(1));
  expect(pipe.hasRoom).toBe(true);
  for (let n = 2; pipe.hasRoom; n += 1) pipe.start(page(n));
  expect(api.sent).toEqual([1, 2]);
  pipe.close();
});
