import { connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { Channel } from './channel.ts';
import { type MessageReader, PACKET, packets } from './packet.ts';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/**
 * TLS inside of PRELOGIN packets until the handshake is done, bare after that (MS-TDS 3.2.5.1). A TLS server on
 * the loopback does the work; this carries the bytes between it and the client.
 */
export async function tlsChannel(
  plain: Channel,
  reader: MessageReader,
  certificate: Certificate,
): Promise<Channel> {
  const inside = Promise.withResolvers<Socket>();
  // MS-TDS 7.4 knows no TLS 1.3 inside of PRELOGIN.
  const server = createServer({ ...certificate, maxVersion: 'TLSv1.2' }, (secure) => inside.resolve(secure));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const outer = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  let secured = false;
  outer.on('data', (bytes: Uint8Array) => {
    void plain
      .write(secured ? bytes : packets(PACKET.prelogin, bytes, 4096, true))
      .catch(() => outer.destroy());
  });
  void (async () => {
    for await (const chunk of plain.chunks) {
      // The client's first bare record says that it is done; until then the server's records are wrapped too.
      secured ||= chunk[0] !== PACKET.prelogin;
      if (secured) {
        outer.write(chunk);
        continue;
      }
      for (const message of reader.push(chunk)) outer.write(message.body);
    }
    outer.end();
    server.close();
  })();
  const secure = await inside.promise;
  return {
    chunks: secure,
    write: (bytes) =>
      new Promise((resolve) => {
        if (secure.write(bytes)) resolve();
        else secure.once('drain', resolve);
      }),
  };
}
