import { ByteReader } from './bytes.ts';
import { type Parameter, readParameters } from './parameters.ts';

export interface Statement {
  /** The batch, or what sp_executesql was given; empty for another procedure. */
  readonly text: string;
  /** Set for a procedure other than sp_executesql. */
  readonly procedure: string | undefined;
  readonly parameters: readonly Parameter[];
  readonly isProcedure: boolean;
}

const SP_EXECUTESQL = 10;

/** SQLBatch (MS-TDS 2.2.6.7). */
export function readBatch(body: Buffer): Statement {
  const text = withoutHeaders(body).toString('utf16le');
  return { text, procedure: undefined, parameters: [], isProcedure: false };
}

/** RPCRequest (MS-TDS 2.2.6.6): a procedure by its number or name, and its parameters. */
export function readRpc(body: Buffer): Statement {
  const input = new ByteReader(withoutHeaders(body));
  const length = input.u16();
  const name = length === 0xffff ? numbered(input.u16()) : input.ucs2(length);
  input.u16();
  const parameters = readParameters(input);
  if (name.toLowerCase() !== 'sp_executesql') {
    return { text: '', procedure: name, parameters, isProcedure: true };
  }
  return {
    text: parameters[0]?.value ?? '',
    procedure: undefined,
    parameters: parameters.slice(2),
    isProcedure: true,
  };
}

/** TransMgrReq (MS-TDS 2.2.6.9): 5 begins, 7 commits, 8 rolls back. */
export function readTransaction(body: Buffer): Statement {
  const type = withoutHeaders(body).readUInt16LE(0);
  const text = type === 5 ? 'BEGIN TRANSACTION' : type === 7 ? 'COMMIT' : 'ROLLBACK';
  return { text, procedure: undefined, parameters: [], isProcedure: false };
}

/** ALL_HEADERS (MS-TDS 2.2.5.3) stand before the request, their whole length first. */
function withoutHeaders(body: Buffer): Buffer {
  return body.subarray(body.readUInt32LE(0));
}

function numbered(procedure: number): string {
  return procedure === SP_EXECUTESQL ? 'sp_executesql' : `procedure number ${procedure}`;
}
