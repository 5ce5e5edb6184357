import { connect, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { readAuthorities } from './authorities.ts';
import type { ConnectionTarget } from './connection-target.ts';

const PORT = 5432;

/** A socket that has connected. @throws what the system says, or CONNECT_TIMEOUT. */
export function openSocket(target: ConnectionTarget, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { host, port = PORT, socket: folder } = target;
    const socket =
      folder === undefined ? connect({ host, port }) : connect({ path: `${folder}/.s.PGSQL.${port}` });
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      socket.removeAllListeners('connect');
      socket.removeAllListeners('error');
      if (error === undefined) resolve(socket);
      else {
        socket.destroy();
        reject(error);
      }
    };
    const timer = setTimeout(() => {
      const seconds = Math.round(timeoutMs / 1000);
      settle(Object.assign(new Error(`no answer in ${seconds} s`), { code: 'CONNECT_TIMEOUT' }));
    }, timeoutMs);
    socket.once('connect', () => settle());
    socket.once('error', settle);
  });
}

/**
 * What the driver does about TLS. Without a mode: TLS where the server has it, as PostgreSQL's own clients do.
 * @throws CFG001 when the file of authorities cannot be read
 */
export function tlsOption(target: ConnectionTarget): false | 'prefer' | ConnectionOptions {
  const { tls = 'prefer', host, socket } = target;
  if (tls === 'disable' || socket !== undefined) return false;
  if (tls === 'prefer') return 'prefer';
  const ca = target.caFile === undefined ? {} : { ca: readAuthorities(target.caFile) };
  switch (tls) {
    case 'require':
      return { ...ca, rejectUnauthorized: false };
    case 'verify-ca':
      return { ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case 'verify-full':
      return { ...ca, rejectUnauthorized: true, host };
  }
}

/**
 * Asks the server to stop what one of its processes runs; whether it did, shows in that process's connection.
 * The message needs no login: "CancelRequest", PostgreSQL's manual, Message Formats.
 */
export async function sendCancel(
  target: ConnectionTarget,
  { pid, secret }: { readonly pid: number; readonly secret: number },
  timeoutMs: number,
): Promise<void> {
  const message = Buffer.alloc(16);
  message.writeUInt32BE(16, 0);
  message.writeUInt32BE(80_877_102, 4);
  message.writeUInt32BE(pid, 8);
  message.writeUInt32BE(secret, 12);
  const socket = await openSocket(target, timeoutMs);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => resolve(), timeoutMs);
    socket.once('close', () => resolve());
    socket.once('error', () => resolve());
    socket.write(message);
    socket.resume();
    timer.unref?.();
  });
  socket.destroy();
}
