/** A request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** From 1. */
  readonly number: number;
}

export interface ApiServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  stop(): Promise<void>;
}

type Answer = Response | object | Promise<Response | object>;

/** A real HTTP server that a test drives request by request; anything but a Response is sent as JSON. */
export function startApiServer(
  answer: (request: SeenRequest) => Answer,
  options: { readonly tls?: Bun.TLSOptions } = {},
): ApiServer {
  const requests: SeenRequest[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 60,
    ...(options.tls !== undefined && { tls: options.tls }),
    async fetch(request) {
      const url = new URL(request.url);
      const seen: SeenRequest = {
        method: request.method,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: Object.fromEntries(request.headers),
        body: await request.text(),
        signal: request.signal,
        number: requests.length + 1,
      };
      requests.push(seen);
      const given = await answer(seen);
      return given instanceof Response ? given : Response.json(given);
    },
  });
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${server.port}`,
    requests,
    stop: () => server.stop(true),
  };
}

/** Rows `{id, name}` with ids from 1. */
export function numberedRows(count: number): { readonly id: number; readonly name: string }[] {
  return Array.from({ length: count }, (_, index) => ({ id: index + 1, name: `row ${index + 1}` }));
}
