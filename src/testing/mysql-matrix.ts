/** Every type of MariaDB with its extremes, as SQL writes them, and the text that has to arrive. */
export interface MysqlMatrixEntry {
  /** Definition of the column. */
  readonly type: string;
  readonly sourceType: string;
  /** Type in the lake, as configs write it. */
  readonly lands: string;
  readonly values: readonly (readonly [sql: string, text: string])[];
}

const DIGITS_38 = '9'.repeat(38);
const DIGITS_65 = '9'.repeat(65);
const LONG = `'${'ä€😀'.repeat(3000)}'`;

function entry(
  type: string,
  sourceType: string,
  lands: string,
  ...values: readonly (readonly [sql: string, text?: string])[]
): MysqlMatrixEntry {
  return {
    type,
    sourceType,
    lands,
    values: values.map(([sql, text]) => [sql, text ?? sql.replace(/^'(.*)'$/s, '$1')]),
  };
}

export const MYSQL_MATRIX: readonly MysqlMatrixEntry[] = [
  entry('tinyint', 'tinyint', 'int32', ['-128'], ['127']),
  entry('tinyint unsigned', 'tinyint unsigned', 'int32', ['0'], ['255']),
  entry('boolean', 'tinyint', 'int32', ['TRUE', '1'], ['FALSE', '0']),
  entry('smallint', 'smallint', 'int32', ['-32768'], ['32767']),
  entry('smallint unsigned', 'smallint unsigned', 'int32', ['0'], ['65535']),
  entry('mediumint', 'mediumint', 'int32', ['-8388608'], ['8388607']),
  entry('mediumint unsigned', 'mediumint unsigned', 'int32', ['0'], ['16777215']),
  entry('int', 'int', 'int32', ['-2147483648'], ['2147483647']),
  entry('int unsigned', 'int unsigned', 'int64', ['0'], ['4294967295']),
  entry('int(8) unsigned zerofill', 'int unsigned', 'int64', ['42'], ['0']),
  entry('bigint', 'bigint', 'int64', ['-9223372036854775808'], ['9223372036854775807']),
  entry('bigint unsigned', 'bigint unsigned', 'decimal(20,0)', ['18446744073709551615'], ['0']),
  entry(
    'float',
    'float',
    'double',
    ['0.1', '0.10000000149011612'],
    ['-3.4028234e38', '-3.4028234663852886e38'],
  ),
  entry('double', 'double', 'double', ['0.1'], ['1.7976931348623157e308']),
  entry(
    'decimal(38,10)',
    'decimal(38,10)',
    'decimal(38,10)',
    ['-1234567890123456789012345678.0123456789'],
    ['0.0000000001'],
  ),
  entry('decimal(38,0)', 'decimal(38,0)', 'decimal(38,0)', [DIGITS_38], [`-${DIGITS_38}`]),
  entry('decimal(38,38)', 'decimal(38,38)', 'decimal(38,38)', [`0.${DIGITS_38}`], [`-0.${DIGITS_38}`]),
  entry('decimal(5,2) unsigned', 'decimal(5,2) unsigned', 'decimal(5,2)', ['999.99'], ['0.01']),
  entry('decimal(65,0)', 'decimal(65,0)', 'string', [DIGITS_65], [`-${DIGITS_65}`]),
  entry('char(5)', 'char', 'string', ["'ab'"], ["'ä€😀'"]),
  entry(
    'varchar(50)',
    'varchar',
    'string',
    ["''", ''],
    ["'\\\\N, \"q\" ''x'' \\n\\t end'", '\\N, "q" \'x\' \n\t end'],
  ),
  entry('varchar(20) character set latin1', 'varchar', 'string', ["'Grüße'"], ["'ÿ'"]),
  entry('text', 'text', 'string', ["'NULL'"], ["'007'"]),
  entry('longtext', 'text', 'string', [LONG], ["''", '']),
  entry('binary(4)', 'binary', 'binary', ["X'00FF10'", '00ff1000'], ["X'61626364'", '61626364']),
  entry('varbinary(20)', 'varbinary', 'binary', ["X''", ''], ["X'00FF225C4E2C0A'", '00ff225c4e2c0a']),
  entry('longblob', 'blob', 'binary', ["X'C3'", 'c3'], ["X'00'", '00']),
  entry('bit(1)', 'bit(1)', 'boolean', ["b'1'", 'true'], ["b'0'", 'false']),
  entry('bit(5)', 'bit(5)', 'int64', ["b'10101'", '21'], ["b'0'", '0']),
  entry('bit(64)', 'bit(64)', 'decimal(20,0)', ['18446744073709551615'], ["b'1'", '1']),
  entry('date', 'date', 'date', ["'0001-01-01'"], ["'9999-12-31'"]),
  entry('time(6)', 'time(6)', 'time', ["'00:00:00.000001'"], ["'23:59:59.999999'"]),
  entry('datetime', 'datetime', 'timestamp', ["'1000-01-01 00:00:00'"], ["'2024-02-29 23:59:59'"]),
  entry(
    'datetime(6)',
    'datetime(6)',
    'timestamp',
    ["'0001-01-01 00:00:00.000001'"],
    ["'9999-12-31 23:59:59.999999'"],
  ),
  entry(
    'timestamp(6) null',
    'timestamp(6)',
    'timestamptz',
    ["'1970-01-01 00:00:00.000001'", '1970-01-01 00:00:00.000001Z'],
    ["'2038-01-19 03:14:07.999999'", '2038-01-19 03:14:07.999999Z'],
  ),
  entry('year', 'year', 'int32', ['1901'], ['0']),
  entry("enum('a','b,c','')", 'enum', 'string', ["'b,c'"], ["'a'"]),
  entry("set('x','y')", 'set', 'string', ["'x,y'"], ["''", '']),
  entry('json', 'json', 'json', ['\'{"a": [1, 12345678901234567890, "ä"]}\''], ["'null'"]),
  entry(
    'point',
    'point',
    'string',
    ["ST_GeomFromText('POINT(1.5 -2)')", 'POINT(1.5 -2)'],
    ["ST_GeomFromText('POINT(0.1 0)')", 'POINT(0.1 0)'],
  ),
  entry(
    'geometry',
    'geometry',
    'string',
    ["ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')", 'POLYGON((0 0,1 0,1 1,0 0))'],
    ["ST_GeomFromText('LINESTRING(0 0,1 1)')", 'LINESTRING(0 0,1 1)'],
  ),
  entry(
    'uuid',
    'uuid',
    'uuid',
    ["'6f9619ff-8b86-d011-b42d-00c04fc964ff'"],
    ["'00000000-0000-0000-0000-000000000000'"],
  ),
  entry('inet6', 'inet6', 'string', ["'2001:db8::1'"], ["'::'"]),
];

/** The table of the matrix, named c0, c1, …: a row for each value, and one of NULLs. */
export function mysqlMatrixTable(
  name: string,
  entries: readonly MysqlMatrixEntry[] = MYSQL_MATRIX,
): readonly string[] {
  const columns = entries.map(({ type }, index) => `c${index} ${type}`);
  const rows = [0, 1].map((row) => entries.map(({ values }) => values[row]?.[0] ?? 'NULL'));
  return [
    `CREATE TABLE ${name} (row_id int PRIMARY KEY, ${columns.join(', ')})`,
    ...rows.map((row, index) => `INSERT INTO ${name} VALUES (${index}, ${row.join(', ')})`),
    `INSERT INTO ${name} (row_id) VALUES (2)`,
  ];
}

/** The texts that have to arrive, in order of the rows. */
export function mysqlMatrixTexts(
  entries: readonly MysqlMatrixEntry[] = MYSQL_MATRIX,
): readonly (readonly (string | null)[])[] {
  const rows = [0, 1].map((row) => entries.map(({ values }) => values[row]?.[1] ?? null));
  return [...rows, entries.map(() => null)];
}
