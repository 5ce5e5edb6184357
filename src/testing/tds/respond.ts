import { ByteWriter } from './bytes.ts';
import type { Statement } from './requests.ts';
import type { Column } from './sql-type.ts';
import {
  DONE,
  type ServerMessage,
  writeColumns,
  writeDone,
  writeEnvironmentBytes,
  writeMessage,
  writeOrder,
  writeReturnStatus,
  writeRow,
} from './tokens.ts';
import type { TdsValue } from './values.ts';

export interface ResultSet {
  readonly kind: 'rows';
  readonly columns: readonly Column[];
  readonly rows: Iterable<readonly TdsValue[]> | AsyncIterable<readonly TdsValue[]>;
  /** Ordinals, from 1, of the columns that the rows are ordered by. */
  readonly order?: readonly number[];
}

export type Answer =
  | ResultSet
  /** A statement without a result. */
  | { readonly kind: 'done'; readonly rows?: number }
  | ({ readonly kind: 'info' } & ServerMessage)
  /** Ends the answer. */
  | ({ readonly kind: 'error' } & ServerMessage)
  | { readonly kind: 'transaction'; readonly event: 'begun' | 'committed' | 'rolledBack' };

const FLUSH_BYTES = 32 * 1024;
const TRANSACTION = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

/** The tokens of the answers, in pieces; ends early once the signal says so. */
export async function* respond(
  statement: Statement,
  answers: AsyncIterable<Answer> | Iterable<Answer>,
  cancelled: AbortSignal,
): AsyncGenerator<Buffer> {
  const out = new ByteWriter();
  const kind = statement.isProcedure ? 'inproc' : 'done';
  let failed = false;
  for await (const answer of answers) {
    if (cancelled.aborted) break;
    switch (answer.kind) {
      case 'rows': {
        let rows = 0n;
        writeColumns(out, answer.columns);
        if (answer.order !== undefined) writeOrder(out, answer.order);
        for await (const row of answer.rows) {
          if (cancelled.aborted) break;
          writeRow(out, answer.columns, row);
          rows += 1n;
          if (out.length >= FLUSH_BYTES) yield out.flush();
        }
        if (!cancelled.aborted) writeDone(out, kind, DONE.more | DONE.count, rows);
        break;
      }
      case 'done':
        writeDone(
          out,
          kind,
          DONE.more | (answer.rows === undefined ? 0 : DONE.count),
          BigInt(answer.rows ?? 0),
        );
        break;
      case 'info':
        writeMessage(out, 'info', answer);
        break;
      case 'error':
        writeMessage(out, 'error', answer);
        failed = true;
        break;
      case 'transaction':
        writeTransaction(out, answer.event);
        break;
    }
    if (failed) break;
    if (out.length >= FLUSH_BYTES) yield out.flush();
  }
  if (cancelled.aborted) {
    // The attention is acknowledged in a message of its own.
    writeDone(out, 'done', DONE.error);
  } else {
    if (statement.isProcedure && !failed) writeReturnStatus(out, 0);
    writeDone(out, statement.isProcedure ? 'proc' : 'done', failed ? DONE.error : DONE.final);
  }
  yield out.flush();
}

function writeTransaction(out: ByteWriter, event: 'begun' | 'committed' | 'rolledBack'): void {
  const none = new Uint8Array();
  if (event === 'begun') writeEnvironmentBytes(out, 8, TRANSACTION, none);
  else writeEnvironmentBytes(out, event === 'committed' ? 9 : 10, none, TRANSACTION);
}
