import type { ApiRequest, ApiResponse, Exchange } from './exchange.ts';

/** Requests under way before anybody waits for their answers. */
export interface Lookahead {
  /** Sends a request as soon as its turn comes, unless that was asked for already. */
  start(request: ApiRequest): void;
  /** The answer to a request, which is sent next if it was not yet. */
  take(request: ApiRequest): Promise<ApiResponse>;
  /** Whether one more answer may wait to be taken. */
  readonly hasRoom: boolean;
  /** Gives up what nobody took. */
  close(): void;
}

/** Answers that may wait while the ones before them are worked on, for each that may be under way. */
const WAITING_PAGES = 16;
/** Answers of this size together are enough to wait. */
const WAITING_BYTES = 32 * 1024 * 1024;

interface Entry {
  readonly request: ApiRequest;
  readonly answer: Promise<ApiResponse>;
  /** Sends it; absent once that was done. */
  send?: () => void;
  /** Somebody waits for it. */
  isWanted: boolean;
  bytes: number;
}

/**
 * @param width requests under way at a time; the next one goes out as soon as an answer has come
 * @param signal ends all of them
 */
export function lookahead(exchange: Exchange, width: number, signal: AbortSignal): Lookahead {
  const stop = new AbortController();
  const onStop = (): void => stop.abort(signal.reason);
  if (signal.aborted) onStop();
  else signal.addEventListener('abort', onStop, { once: true });
  const entries = new Map<string, Entry>();
  let queue: Entry[] = [];
  let underWay = 0;
  let waitingBytes = 0;
  let largest = 0;
  const keyOf = ({ method, url, body = '' }: ApiRequest): string => `${method} ${url}\n${body}`;

  const sendNext = (): void => {
    while (underWay < width) {
      const [entry] = queue;
      // What is under way is taken to be as large as the largest so far.
      const isFull = waitingBytes + underWay * largest >= WAITING_BYTES;
      if (entry === undefined || (isFull && !entry.isWanted)) return;
      queue.shift();
      entry.send?.();
    }
  };

  const enter = (request: ApiRequest): Entry => {
    const { promise: answer, resolve, reject } = Promise.withResolvers<ApiResponse>();
    const entry: Entry = { request, answer, isWanted: false, bytes: 0 };
    entry.send = () => {
      delete entry.send;
      underWay += 1;
      exchange(request, stop.signal)
        .then((response) => {
          largest = Math.max(largest, response.body.length);
          if (entries.get(keyOf(request)) === entry) {
            entry.bytes = response.body.length;
            waitingBytes += entry.bytes;
          }
          resolve(response);
        }, reject)
        .finally(() => {
          underWay -= 1;
          sendNext();
        });
    };
    // Whoever takes it gets the failure; an answer that nobody takes may fail unheard.
    answer.catch(() => {});
    entries.set(keyOf(request), entry);
    return entry;
  };

  return {
    start(request) {
      if (entries.has(keyOf(request))) return;
      queue.push(enter(request));
      sendNext();
    },
    take(request) {
      const entry = entries.get(keyOf(request)) ?? enter(request);
      entry.isWanted = true;
      if (entry.send !== undefined) queue = [entry, ...queue.filter((other) => other !== entry)];
      entries.delete(keyOf(request));
      waitingBytes -= entry.bytes;
      sendNext();
      return entry.answer;
    },
    get hasRoom() {
      return entries.size < width * WAITING_PAGES && waitingBytes < WAITING_BYTES;
    },
    close() {
      signal.removeEventListener('abort', onStop);
      entries.clear();
      queue = [];
      stop.abort();
    },
  };
}
