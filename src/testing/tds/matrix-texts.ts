import type { TdsValue } from './values.ts';

const LANDS: Readonly<Record<string, string>> = {
  bit: 'boolean',
  tinyint: 'int32',
  smallint: 'int32',
  int: 'int32',
  bigint: 'int64',
  real: 'double',
  float: 'double',
  money: 'decimal(19,4)',
  smallmoney: 'decimal(10,4)',
  date: 'date',
  time: 'time',
  datetime: 'timestamp',
  smalldatetime: 'timestamp',
  datetime2: 'timestamp',
  datetimeoffset: 'timestamptz',
  uniqueidentifier: 'uuid',
  binary: 'binary',
  varbinary: 'binary',
  image: 'binary',
  rowversion: 'binary',
};

/** The type in the lake of a column of SQL Server, as configs write it. */
export function matrixLands(type: string): string {
  if (/^(?:decimal|numeric)/.test(type)) return type.replace('numeric', 'decimal');
  return LANDS[type.replace(/\(.*/, '')] ?? 'string';
}

/** The text that a value of the matrix has to become on its way, worked out by itself. */
export function matrixText(type: string, value: Exclude<TdsValue, null>): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value !== 'string') return value.value;
  const [name = ''] = type.split('(');
  if (name === 'bit') return value === '1' ? 'true' : 'false';
  if (name === 'real') return String(Math.fround(Number(value)));
  if (name === 'uniqueidentifier') return value.toLowerCase();
  return /^(?:datetime|smalldatetime|time)/.test(name) ? timeText(name, value) : value;
}

function timeText(name: string, value: string): string {
  const [main = '', offset] = value.split(/ (?=[+-])/);
  const [whole = '', fraction = ''] = main.replace(' ', 'T').split('.');
  const digits = fraction.padEnd(6, '0').replace(/^(\d{6})0$/, '$1');
  if (name !== 'datetimeoffset') return `${whole}.${digits}`;
  const utc = new Date(`${whole}Z`).getTime() - minutesOf(offset ?? '+00:00') * 60_000;
  return `${new Date(utc).toISOString().slice(0, 19)}.${digits}Z`;
}

function minutesOf(offset: string): number {
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6));
  return offset.startsWith('-') ? -minutes : minutes;
}
