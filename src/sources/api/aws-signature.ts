import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import type { ApiAuth } from '../../config/api/spec.ts';
import type { ApiRequest } from './exchange.ts';
import { type Environment, type Redactor, readSecret } from './secrets.ts';

type Aws = Extract<ApiAuth, { readonly type: 'aws_sigv4' }>;

/** Signs requests by AWS Signature Version 4. */
export type Signer = (request: ApiRequest) => Promise<ApiRequest>;

/** @throws AUTH001 naming the variable where a key is missing */
export function awsSigner(auth: Aws, env: Environment, redactor: Redactor): Signer {
  const accessKeyId = readSecret(auth.accessKeyId, 'the access key id', env);
  const secretAccessKey = readSecret(auth.secretAccessKey, 'the secret access key', env);
  const hasSession = 'env' in auth.sessionToken && (env[auth.sessionToken.env] ?? '') !== '';
  const sessionToken = hasSession ? readSecret(auth.sessionToken, 'the session token', env) : undefined;
  redactor.add(secretAccessKey);
  if (sessionToken !== undefined) redactor.add(sessionToken);
  return async (request) => {
    const { SignatureV4 } = await import('@smithy/signature-v4');
    const signer = new SignatureV4({
      service: auth.service,
      region: auth.region,
      credentials: {
        accessKeyId: accessKeyId.reveal(),
        secretAccessKey: secretAccessKey.reveal(),
        ...(sessionToken !== undefined && { sessionToken: sessionToken.reveal() }),
      },
      sha256: Sha256,
      uriEscapePath: auth.service !== 's3',
    });
    const url = new URL(request.url);
    const query = queryOf(url);
    const { headers } = await signer.sign({
      method: request.method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query,
      headers: { ...request.headers, host: url.host },
      ...(request.body !== undefined && { body: request.body }),
    });
    // AWS reads a `+` as itself, where forms mean a blank.
    url.search = url.search.replaceAll('+', '%20');
    const { host: _host, ...sent } = headers;
    return { ...request, url: url.href, headers: sent };
  };
}

function queryOf(url: URL): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return query;
}

/** The hash as the signer wants it: keyed where it gets a key. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(key));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error('a hash is used once');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
}
