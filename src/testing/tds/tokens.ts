import { ByteWriter } from './bytes.ts';
import { type Column, writeTypeInfo } from './sql-type.ts';
import { type TdsValue, writeValue } from './values.ts';

/** The tokens of a response (MS-TDS 2.2.7). */

export const DONE = { final: 0x00, more: 0x01, error: 0x02, count: 0x10, attention: 0x20 } as const;

export interface ServerMessage {
  readonly number: number;
  readonly message: string;
  readonly state?: number;
  readonly severity?: number;
  readonly line?: number;
  readonly procedure?: string;
}

/** DONE, or inside of a procedure DONEINPROC, and DONEPROC at its end. */
export function writeDone(
  out: ByteWriter,
  kind: 'done' | 'proc' | 'inproc',
  status: number,
  rows = 0n,
): void {
  out
    .u8(kind === 'done' ? 0xfd : kind === 'proc' ? 0xfe : 0xff)
    .u16(status)
    .u16(0xc1)
    .u64(rows);
}

export function writeReturnStatus(out: ByteWriter, status: number): void {
  out.u8(0x79).i32(status);
}

export function writeMessage(out: ByteWriter, kind: 'error' | 'info', message: ServerMessage): void {
  const body = new ByteWriter();
  body
    .i32(message.number)
    .u8(message.state ?? 1)
    .u8(message.severity ?? (kind === 'error' ? 16 : 10))
    .text(message.message)
    .shortText('TESTSERVER')
    .shortText(message.procedure ?? '')
    .i32(message.line ?? 1);
  out.u8(kind === 'error' ? 0xaa : 0xab).u16(body.length);
  out.bytes(body.flush());
}

export function writeEnvironment(out: ByteWriter, type: number, now: string, before: string): void {
  const body = new ByteWriter().u8(type).shortText(now).shortText(before).flush();
  out.u8(0xe3).u16(body.length).bytes(body);
}

/** Types 7 (collation), 8 to 10 (a transaction begins, is committed or rolled back) carry bytes. */
export function writeEnvironmentBytes(
  out: ByteWriter,
  type: number,
  now: Uint8Array,
  before: Uint8Array,
): void {
  const body = new ByteWriter().u8(type).u8(now.length).bytes(now).u8(before.length).bytes(before).flush();
  out.u8(0xe3).u16(body.length).bytes(body);
}

export function writeLoginAck(out: ByteWriter): void {
  const body = new ByteWriter()
    .u8(1)
    .bytes(Uint8Array.of(0x74, 0, 0, 4))
    .shortText('Microsoft SQL Server');
  body.bytes(Uint8Array.of(16, 0, 0x10, 0));
  out.u8(0xad).u16(body.length).bytes(body.flush());
}

export function writeColumns(out: ByteWriter, columns: readonly Column[]): void {
  out.u8(0x81).u16(columns.length);
  for (const column of columns) {
    out.i32(column.type.name === 'timestamp' ? 80 : 0).u16(column.nullable ? 0x09 : 0x08);
    writeTypeInfo(out, column);
    out.shortText(column.name);
  }
}

/** The ordinals of the columns that the rows are ordered by. */
export function writeOrder(out: ByteWriter, columns: readonly number[]): void {
  out.u8(0xa9).u16(columns.length * 2);
  for (const column of columns) out.u16(column);
}

/** ROW, or NBCROW (with its bitmap of NULLs) where a value is NULL. */
export function writeRow(out: ByteWriter, columns: readonly Column[], row: readonly TdsValue[]): void {
  if (!row.includes(null)) {
    out.u8(0xd1);
    columns.forEach((column, index) => {
      writeValue(out, column, row[index] ?? null);
    });
    return;
  }
  const bitmap = new Uint8Array(Math.ceil(columns.length / 8));
  row.forEach((value, index) => {
    if (value === null) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
  });
  out.u8(0xd2).bytes(bitmap);
  columns.forEach((column, index) => {
    const value = row[index] ?? null;
    if (value !== null) writeValue(out, column, value);
  });
}
