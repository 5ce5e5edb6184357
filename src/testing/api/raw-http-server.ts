import { createServer, type Socket } from 'node:net';

/** A request as it came, parsed no further than needed. */
export interface RawRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Bytes to write one after the other, pauses (ms) between them, and what becomes of the connection. */
export interface RawAnswer {
  readonly parts: readonly (Uint8Array | string | number)[];
  readonly end: 'keep' | 'close' | 'reset';
}

export interface RawServer {
  readonly url: string;
  /** All requests so far. */
  readonly requests: readonly RawRequest[];
  stop(): Promise<void>;
}

/**
 * An HTTP/1.1 server whose answers are whatever bytes a test wants, broken ones above all. Requests with bodies state
 * their length; one is answered after the other on a connection.
 */
export async function startRawServer(
  answer: (request: RawRequest) => RawAnswer | Promise<RawAnswer>,
): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let pending = Buffer.alloc(0);
    let busy = false;
    const serve = async (): Promise<void> => {
      if (busy) return;
      busy = true;
      for (let taken = takeRequest(pending); taken !== undefined; taken = takeRequest(pending)) {
        pending = Buffer.from(pending.subarray(taken.length));
        requests.push(taken.request);
        await write(socket, await answer(taken.request));
        if (socket.destroyed || socket.writableEnded) return;
      }
      busy = false;
    };
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, Buffer.from(chunk)]);
      void serve().catch(() => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The first whole request of the bytes. */
function takeRequest(bytes: Buffer): { readonly request: RawRequest; readonly length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const length = end + 4 + Number(headers['content-length'] ?? 0);
  if (bytes.length < length) return undefined;
  const [method = '', target = ''] = first.split(' ');
  const url = new URL(target, 'http://server');
  const body = bytes.subarray(end + 4, length).toString();
  return { request: { method, target, path: url.pathname, query: url.searchParams, headers, body }, length };
}

async function write(socket: Socket, { parts, end }: RawAnswer): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return;
    if (typeof part === 'number') await Bun.sleep(part);
    else await new Promise<void>((resolve) => socket.write(Buffer.from(part), () => resolve()));
  }
  if (end === 'close') socket.end();
  if (end === 'reset') socket.resetAndDestroy();
}

/** A sound answer with a body of stated length. */
export function httpAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | string,
): RawAnswer {
  const bytes = Buffer.from(body);
  const head = headText(status, { 'Content-Length': String(bytes.length), ...headers });
  return { parts: [Buffer.concat([Buffer.from(head), bytes])], end: 'keep' };
}

/** The status line and headers, and the blank line that ends them. */
export function headText(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`;
}
