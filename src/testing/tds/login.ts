import { ByteReader, ByteWriter } from './bytes.ts';
import {
  DONE,
  writeDone,
  writeEnvironment,
  writeEnvironmentBytes,
  writeLoginAck,
  writeMessage,
} from './tokens.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
  readonly application: string;
  readonly database: string;
  readonly packetSize: number;
}

/** What the two sides say about encryption (MS-TDS 2.2.6.5). */
export const ENCRYPTION = { off: 0, on: 1, unsupported: 2, required: 3 } as const;

/** The ENCRYPTION option of a PRELOGIN message. */
export function wantedEncryption(body: Buffer): number {
  for (let at = 0; body[at] !== 0xff; at += 5) {
    if (body[at] === 1) return body[body.readUInt16BE(at + 1)] ?? ENCRYPTION.unsupported;
  }
  return ENCRYPTION.unsupported;
}

/** VERSION, ENCRYPTION, INSTOPT, THREADID, MARS. */
export function preloginResponse(encryption: number): Buffer {
  const options: readonly (readonly [number, readonly number[]])[] = [
    [0, [16, 0, 0x10, 0, 0, 0]],
    [1, [encryption]],
    [2, [0]],
    [3, []],
    [4, [0]],
  ];
  let offset = options.length * 5 + 1;
  const heads: number[] = [];
  for (const [token, data] of options) {
    heads.push(token, offset >> 8, offset & 255, 0, data.length);
    offset += data.length;
  }
  return Buffer.from([...heads, 0xff, ...options.flatMap(([, data]) => data)]);
}

/** LOGIN7 (MS-TDS 2.2.6.4): offsets and lengths in characters from byte 36 on. */
export function readLogin(body: Buffer): Login {
  const text = (at: number): Buffer => {
    const offset = body.readUInt16LE(at);
    return body.subarray(offset, offset + body.readUInt16LE(at + 2) * 2);
  };
  // Each byte of the password: halves swapped, then XOR 0xA5.
  const password = Buffer.from(text(44).map((byte) => swapHalves(byte ^ 0xa5)));
  return {
    user: text(40).toString('utf16le'),
    password: password.toString('utf16le'),
    application: text(48).toString('utf16le'),
    database: text(68).toString('utf16le'),
    packetSize: Math.min(Math.max(new ByteReader(body.subarray(8, 12)).u32() || 4096, 512), 32_767),
  };
}

function swapHalves(byte: number): number {
  return ((byte & 0x0f) << 4) | (byte >> 4);
}

export function loginAccepted(login: Login, database: string): Buffer {
  const out = new ByteWriter();
  writeEnvironment(out, 1, database, 'master');
  writeMessage(out, 'info', {
    number: 5701,
    message: `Changed database context to '${database}'.`,
    state: 2,
  });
  writeEnvironmentBytes(out, 7, Uint8Array.of(9, 4, 0xd0, 0, 0x34), new Uint8Array());
  writeEnvironment(out, 2, 'us_english', '');
  writeEnvironment(out, 4, String(login.packetSize), '4096');
  writeLoginAck(out);
  writeDone(out, 'done', DONE.final);
  return out.flush();
}

/** Errors 18456 (credentials) and 4060 (database), as the server words them. */
export function loginRefused(login: Login, reason: 'credentials' | 'database'): Buffer {
  const out = new ByteWriter();
  if (reason === 'database') {
    writeMessage(out, 'error', {
      number: 4060,
      severity: 11,
      message: `Cannot open database "${login.database}" requested by the login. The login failed.`,
    });
  }
  writeMessage(out, 'error', {
    number: 18_456,
    severity: 14,
    message: `Login failed for user '${login.user}'.`,
  });
  writeDone(out, 'done', DONE.error);
  return out.flush();
}
