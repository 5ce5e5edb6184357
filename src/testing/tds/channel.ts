import type { Socket } from 'node:net';

/** A two-way stream of bytes: the socket itself, or what TLS makes of it. */
export interface Channel {
  readonly chunks: AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
}

export function socketChannel(socket: Socket): Channel {
  const waiting: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  let ended = false;
  const notify = () => {
    wake?.();
    wake = undefined;
  };
  socket.on('data', (chunk: Uint8Array) => {
    waiting.push(chunk);
    notify();
  });
  socket.on('close', () => {
    ended = true;
    notify();
  });
  const chunks: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        for (;;) {
          const chunk = waiting.shift();
          if (chunk !== undefined) return { done: false, value: chunk };
          if (ended) return { done: true, value: undefined };
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
    }),
  };
  return {
    chunks,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (ended || socket.destroyed) return reject(new Error('the connection is closed'));
        if (socket.write(bytes)) return resolve();
        const settle = () => {
          socket.off('drain', settle);
          socket.off('close', settle);
          resolve();
        };
        socket.on('drain', settle);
        socket.on('close', settle);
      }),
  };
}
