import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** What a server, or the line to it, does instead of answering well. */
export type HttpFault =
  /** Answers so, and does nothing. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string; readonly retryAfter?: string }
  /** Does nothing, and closes the connection. */
  | { readonly kind: 'reset' }
  /** Does what was asked, and closes the connection without an answer. */
  | { readonly kind: 'lost answer' }
  /** Does what was asked, and never says so. */
  | { readonly kind: 'silence' }
  /** Does what was asked, and says so so much later, in milliseconds. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Answers with only half of the body. */
  | { readonly kind: 'cut' }
  /** Answers with the bytes that `body` makes of the server's. */
  | { readonly kind: 'forge'; body(text: string): string }
  /** Does something else first. */
  | { readonly kind: 'meanwhile'; work(): Promise<void> };

export interface ProxiedRequest {
  /** From 1. */
  readonly n: number;
  readonly method: string;
  /** With the query, encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** A server's other address, on which requests go wrong where a test says so. */
export interface FaultProxy {
  readonly url: string;
  readonly requests: readonly ProxiedRequest[];
  /** Decides on each request that comes; undefined: it passes. */
  fault: ((request: ProxiedRequest) => HttpFault | undefined) | undefined;
  /** Header names, in small letters, that do not reach the server. */
  dropped: ReadonlySet<string>;
  /** Counts from 1 again. */
  reset(): void;
  close(): void;
}

export async function faultProxy(upstream: string): Promise<FaultProxy> {
  let requests: ProxiedRequest[] = [];
  const proxy: FaultProxy = {
    url: '',
    get requests() {
      return requests;
    },
    fault: undefined,
    dropped: new Set(),
    reset() {
      requests = [];
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };

  const pass = async (incoming: IncomingMessage, body: Buffer): Promise<Response> => {
    const headers = new Headers();
    for (const [name, value] of Object.entries(incoming.headers)) {
      if (['connection', 'host', 'transfer-encoding', 'expect'].includes(name)) continue;
      if (proxy.dropped.has(name)) continue;
      headers.set(name, String(value));
    }
    return fetch(`${upstream}${incoming.url}`, {
      method: incoming.method ?? 'GET',
      headers,
      ...(body.length > 0 && { body: new Uint8Array(body) }),
      decompress: false,
    });
  };

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Uint8Array>));
    const request = {
      n: requests.length + 1,
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
    };
    requests.push(request);
    const fault = proxy.fault?.(request);
    if (fault?.kind === 'reset') return void incoming.socket.destroy();
    if (fault?.kind === 'answer') return refuse(outgoing, request.method, fault);
    if (fault?.kind === 'meanwhile') await fault.work();
    const response = await pass(incoming, body);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (fault?.kind === 'lost answer') return void incoming.socket.destroy();
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'slow') await Bun.sleep(fault.ms);
    const headers = Object.fromEntries(
      [...response.headers].filter(([name]) => !['connection', 'transfer-encoding'].includes(name)),
    );
    if (fault?.kind === 'forge') {
      const forged = Buffer.from(fault.body(bytes.toString()));
      outgoing.writeHead(response.status, { ...headers, 'content-length': String(forged.length) });
      return void outgoing.end(forged);
    }
    outgoing.writeHead(response.status, headers);
    if (fault?.kind === 'cut' && bytes.length > 0) {
      outgoing.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => incoming.socket.destroy());
      return;
    }
    outgoing.end(request.method === 'HEAD' ? undefined : bytes);
  };

  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return Object.assign(proxy, { url: `http://127.0.0.1:${address.port}` });
}

function refuse(outgoing: ServerResponse, method: string, fault: HttpFault & { kind: 'answer' }): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>${fault.code} by the test</Message></Error>`;
  outgoing.writeHead(fault.status, {
    'content-type': 'application/xml',
    'content-length': String(method === 'HEAD' ? 0 : Buffer.byteLength(body)),
    'x-ms-error-code': fault.code,
    ...(fault.retryAfter !== undefined && { 'retry-after': fault.retryAfter }),
  });
  outgoing.end(method === 'HEAD' ? undefined : body);
}
