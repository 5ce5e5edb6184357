import { connect, createServer, type Socket } from 'node:net';

/** A wire between a client and a server that goes wrong on purpose. */
export interface TcpProxy {
  readonly port: number;
  /** Cuts each connection once so many bytes of the server have passed; undefined: never. */
  cutAfterBytes: number | undefined;
  /** Waits before each piece of the server's bytes. */
  delayMs: number;
  /** Refuses new connections while set: closes them at once. */
  refuse: boolean;
  /**
   * Sees each piece of the server's bytes on the n-th connection (from 0) before it is passed on; true cuts that
   * connection instead, a promise holds the piece back.
   */
  watch: ((bytes: Uint8Array, connection: number) => boolean | Promise<boolean>) | undefined;
  /** Cuts what is open now. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startTcpProxy(host: string, port: number): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const proxy = {
    cutAfterBytes: undefined as number | undefined,
    delayMs: 0,
    refuse: false,
    watch: undefined as TcpProxy['watch'],
  };
  let connections = 0;
  const listener = createServer((client) => {
    if (proxy.refuse) return void client.destroy();
    const connection = connections;
    connections += 1;
    const server = connect(port, host);
    let passed = 0;
    const end = () => {
      for (const socket of [client, server]) {
        socket.destroy();
        open.delete(socket);
      }
    };
    for (const socket of [client, server]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', (bytes: Uint8Array) => server.write(bytes));
    server.on('data', async (bytes: Uint8Array) => {
      passed += bytes.length;
      server.pause();
      if ((await proxy.watch?.(bytes, connection)) === true) return end();
      const forward = () => {
        if (proxy.cutAfterBytes !== undefined && passed > proxy.cutAfterBytes) return end();
        if (client.write(bytes)) server.resume();
        else client.once('drain', () => server.resume());
      };
      if (proxy.delayMs > 0) setTimeout(forward, proxy.delayMs);
      else forward();
    });
  });
  await new Promise<void>((resolve) => {
    listener.listen(0, '127.0.0.1', resolve);
  });
  const address = listener.address();
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return Object.assign(proxy, {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut,
    stop: () =>
      new Promise<void>((resolve) => {
        cut();
        listener.close(() => resolve());
      }),
  });
}
