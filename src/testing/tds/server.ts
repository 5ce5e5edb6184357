import { createServer, type Socket } from 'node:net';
import { ByteWriter } from './bytes.ts';
import { type Channel, socketChannel } from './channel.ts';
import {
  ENCRYPTION,
  type Login,
  loginAccepted,
  loginRefused,
  preloginResponse,
  readLogin,
  wantedEncryption,
} from './login.ts';
import { MessageReader, PACKET, packets } from './packet.ts';
import { readBatch, readRpc, readTransaction, type Statement } from './requests.ts';
import { type Answer, respond } from './respond.ts';
import { type Certificate, tlsChannel } from './tls.ts';
import { DONE, writeDone, writeMessage } from './tokens.ts';

export interface Session {
  readonly id: number;
  readonly login: Login;
  readonly encrypted: boolean;
}

export interface Request extends Statement {
  readonly session: Session;
  /** Aborted by the client's attention, and when the connection goes. */
  readonly signal: AbortSignal;
}

export type Handler = (request: Request) => AsyncIterable<Answer> | Iterable<Answer>;

export interface TdsOptions {
  readonly handler: Handler;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  /** With it the server offers TLS; `required` refuses to go on without. */
  readonly certificate?: Certificate;
  readonly required?: boolean;
  readonly onSessionEnd?: (session: Session) => void;
}

/** What goes wrong on purpose, from now on. */
export interface Faults {
  /** Destroys a connection once that many bytes of answers were sent on it. */
  cutAfterBytes?: number;
  /** Waits before each piece of an answer. */
  delayMs?: number;
}

export interface TdsServer {
  readonly port: number;
  readonly url: string;
  readonly faults: Faults;
  /** Every statement and procedure so far. */
  readonly log: readonly Request[];
  /** Sessions that are open now. */
  readonly sessions: ReadonlySet<Session>;
  /** Attentions received. */
  readonly attentions: number;
  /** Bytes of answers, over all connections. */
  readonly sentBytes: number;
  /** Cuts every connection. */
  cut(): void;
  stop(): Promise<void>;
}

/**
 * A server of TDS 7.4 (MS-TDS) for tests, which answers what its handler says. It is no SQL Server: it proves
 * that the real driver and foundry speak to something that speaks the protocol, which FreeTDS agrees about.
 */
export async function startTdsServer(options: TdsOptions, port = 0): Promise<TdsServer> {
  const sockets = new Set<Socket>();
  const sessions = new Set<Session>();
  const log: Request[] = [];
  const faults: Faults = {};
  const state = { attentions: 0, next: 51, sentBytes: 0 };
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    serve(socket, { options, sessions, log, faults, state }).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, '127.0.0.1', resolve);
  });
  const address = listener.address();
  const bound = typeof address === 'object' && address !== null ? address.port : 0;
  const user = encodeURIComponent(options.user ?? 'sa');
  const password = encodeURIComponent(options.password ?? 'Secret!1');
  const encrypt = options.certificate === undefined ? 'false' : 'true';
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: bound,
    url: `mssql://${user}:${password}@127.0.0.1:${bound}/${options.database ?? 'test'}?encrypt=${encrypt}`,
    faults,
    log,
    sessions,
    get attentions() {
      return state.attentions;
    },
    get sentBytes() {
      return state.sentBytes;
    },
    cut,
    stop: () =>
      new Promise((resolve) => {
        cut();
        listener.close(() => resolve());
      }),
  };
}

interface Shared {
  readonly options: TdsOptions;
  readonly sessions: Set<Session>;
  readonly log: Request[];
  readonly faults: Faults;
  readonly state: { attentions: number; next: number; sentBytes: number };
}

async function serve(socket: Socket, shared: Shared): Promise<void> {
  const { options } = shared;
  const plain = socketChannel(socket);
  const reader = new MessageReader();
  let channel: Channel = plain;
  let encrypted = false;
  const prelogin = await nextMessage(plain, reader);
  if (prelogin?.type !== PACKET.prelogin) return void socket.destroy();
  const wanted = wantedEncryption(prelogin.body);
  const offered = encryptionFor(wanted, options);
  await plain.write(packets(PACKET.response, preloginResponse(offered), 4096, true));
  if (offered === ENCRYPTION.on || offered === ENCRYPTION.required) {
    if (wanted === ENCRYPTION.unsupported || options.certificate === undefined) return void socket.destroy();
    channel = await tlsChannel(plain, reader, options.certificate);
    encrypted = true;
  }
  await converse(socket, channel, encrypted ? new MessageReader() : reader, encrypted, shared);
}

function encryptionFor(wanted: number, options: TdsOptions): number {
  if (options.certificate === undefined) return ENCRYPTION.unsupported;
  if (options.required === true) return ENCRYPTION.required;
  return wanted === ENCRYPTION.on || wanted === ENCRYPTION.required ? ENCRYPTION.on : ENCRYPTION.unsupported;
}

async function nextMessage(channel: Channel, reader: MessageReader) {
  for await (const chunk of channel.chunks) {
    for (const message of reader.push(chunk)) return message;
  }
  return undefined;
}

async function converse(
  socket: Socket,
  channel: Channel,
  reader: MessageReader,
  encrypted: boolean,
  shared: Shared,
): Promise<void> {
  let session: Session | undefined;
  let running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  let sent = 0;
  const send = async (body: Uint8Array, last: boolean): Promise<void> => {
    const { cutAfterBytes, delayMs } = shared.faults;
    if (delayMs !== undefined) await Bun.sleep(delayMs);
    const bytes = packets(PACKET.response, body, session?.login.packetSize ?? 4096, last);
    sent += bytes.length;
    shared.state.sentBytes += bytes.length;
    if (cutAfterBytes !== undefined && sent > cutAfterBytes) return void socket.destroy();
    await channel.write(bytes);
  };
  try {
    for await (const chunk of channel.chunks) {
      for (const { type, body } of reader.push(chunk)) {
        if (type === PACKET.attention) {
          shared.state.attentions += 1;
          running?.stop.abort();
          await running?.done;
          await send(attentionDone(), true);
        } else if (session === undefined) {
          session = await logIn(body, encrypted, shared, send);
          if (session === undefined) return void socket.end();
        } else {
          await running?.done;
          const stop = new AbortController();
          const request: Request = { ...statementOf(type, body), session, signal: stop.signal };
          shared.log.push(request);
          running = {
            stop,
            done: answer(request, shared.options.handler, send).then(() => {
              running = undefined;
            }),
          };
        }
      }
    }
  } finally {
    running?.stop.abort();
    if (session !== undefined) {
      shared.sessions.delete(session);
      shared.options.onSessionEnd?.(session);
    }
    socket.destroy();
  }
}

async function logIn(
  body: Buffer,
  encrypted: boolean,
  { options, sessions, state }: Shared,
  send: (body: Uint8Array, last: boolean) => Promise<void>,
): Promise<Session | undefined> {
  const login = readLogin(body);
  const database = options.database ?? 'test';
  const refused =
    login.user !== (options.user ?? 'sa') || login.password !== (options.password ?? 'Secret!1')
      ? 'credentials'
      : login.database !== '' && login.database !== database
        ? 'database'
        : undefined;
  if (refused !== undefined) {
    await send(loginRefused(login, refused), true);
    return undefined;
  }
  await send(loginAccepted(login, database), true);
  const session: Session = { id: state.next, login, encrypted };
  state.next += 1;
  sessions.add(session);
  return session;
}

function statementOf(type: number, body: Buffer): Statement {
  switch (type) {
    case PACKET.sqlBatch:
      return readBatch(body);
    case PACKET.rpc:
      return readRpc(body);
    case PACKET.transaction:
      return readTransaction(body);
    default:
      throw new Error(`a message of type ${type} is not answered here`);
  }
}

async function answer(
  request: Request,
  handler: Handler,
  send: (body: Uint8Array, last: boolean) => Promise<void>,
): Promise<void> {
  let held: Buffer | undefined;
  try {
    for await (const piece of respond(request, handler(request), request.signal)) {
      if (held !== undefined) await send(held, false);
      held = piece;
    }
  } catch (error) {
    const out = new ByteWriter();
    writeMessage(out, 'error', {
      number: 50_000,
      message: error instanceof Error ? error.message : String(error),
    });
    writeDone(out, request.isProcedure ? 'proc' : 'done', DONE.error);
    held = Buffer.concat([held ?? Buffer.alloc(0), out.flush()]);
  }
  await send(held ?? Buffer.alloc(0), true).catch(() => undefined);
}

function attentionDone(): Buffer {
  const out = new ByteWriter();
  writeDone(out, 'done', DONE.attention);
  return out.flush();
}
