import { createServer, type Socket } from 'node:net';

export interface RawServer {
  readonly url: string;
  readonly port: number;
  /** Heads of the requests. */
  readonly heads: readonly string[];
  readonly connections: number;
  stop(): Promise<void>;
}

/** A server that answers a request's head by bytes, for what no honest server would send. */
export async function startRawServer(
  answer: (socket: Socket, request: { readonly head: string; readonly number: number }) => void,
): Promise<RawServer> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      const head = bytes.toString();
      heads.push(head);
      answer(socket, { head, number: heads.length });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    heads,
    get connections() {
      return connections;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The bytes of an answer with a JSON body. */
export function rawAnswer(
  body: string | Uint8Array,
  headers: readonly string[] = [],
  status = '200 OK',
): Buffer {
  const bytes = Buffer.from(body);
  const length = headers.some((header) => /^(?:content-length|transfer-encoding):/i.test(header))
    ? []
    : [`Content-Length: ${bytes.length}`];
  const head = [`HTTP/1.1 ${status}`, 'Content-Type: application/json', ...length, ...headers, '', ''].join(
    '\r\n',
  );
  return Buffer.concat([Buffer.from(head), bytes]);
}
