import type { ApiRequest, ApiResponse, Exchange } from './exchange.ts';

/** Requests under way before anybody waits for their answers. */
export interface Lookahead {
  /** Sends a request unless it is under way already. */
  start(request: ApiRequest): void;
  /** The answer to a request, which is sent now if it was not started. */
  take(request: ApiRequest): Promise<ApiResponse>;
  /** How many answers are under way or wait to be taken. */
  readonly size: number;
  /** Gives up what nobody took. */
  close(): void;
}

/** @param signal ends all of them */
export function lookahead(exchange: Exchange, signal: AbortSignal): Lookahead {
  const stop = new AbortController();
  const onStop = (): void => stop.abort(signal.reason);
  if (signal.aborted) onStop();
  else signal.addEventListener('abort', onStop, { once: true });
  const underWay = new Map<string, Promise<ApiResponse>>();
  const keyOf = ({ method, url, body = '' }: ApiRequest): string => `${method} ${url}\n${body}`;

  const send = (request: ApiRequest): Promise<ApiResponse> => {
    const answer = exchange(request, stop.signal);
    // Whoever takes it gets the failure; an answer that nobody takes may fail unheard.
    answer.catch(() => {});
    return answer;
  };

  return {
    start(request) {
      const key = keyOf(request);
      if (!underWay.has(key)) underWay.set(key, send(request));
    },
    take(request) {
      const key = keyOf(request);
      const answer = underWay.get(key) ?? send(request);
      underWay.delete(key);
      return answer;
    },
    get size() {
      return underWay.size;
    },
    close() {
      signal.removeEventListener('abort', onStop);
      underWay.clear();
      stop.abort();
    },
  };
}
