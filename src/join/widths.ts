import type { Field } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import { fileList, identifier } from '../engine/sql.ts';
import type { InputPart, Relation } from '../promotion/relation.ts';

/** Of as many parts the footers are looked at. */
const SAMPLED_PARTS = 32;
const SAMPLED_ROWS = 2048;
/** Before each plainly written value stands its length (Apache Parquet, Encodings: plain). */
const LENGTH_BYTES = 4;
const TEXTS: ReadonlySet<string> = new Set(['string', 'uuid', 'json', 'binary']);

/**
 * Bytes of a value of each text or binary column, on average. How wide they really are decides how many rows fit in a
 * row group; the types do not tell. The footers do where values are written plainly; where a value is written once
 * for all its rows, the first rows do.
 */
export async function textWidths(
  engine: Engine,
  { schema, sql }: Pick<Relation, 'schema' | 'sql'>,
  parts: readonly InputPart[],
): Promise<ReadonlyMap<string, number>> {
  const texts = schema.fields.filter(({ type }) => TEXTS.has(type.kind));
  if (texts.length === 0 || parts.length === 0) return new Map();
  const plain = await plainWidths(engine, parts);
  const others = texts.filter(({ name }) => !plain.has(name));
  return new Map([...plain, ...(await sampledWidths(engine, others, sql))]);
}

async function plainWidths(
  engine: Engine,
  parts: readonly InputPart[],
): Promise<ReadonlyMap<string, number>> {
  const files = fileList(parts.slice(0, SAMPLED_PARTS).map(({ localPath }) => localPath));
  const found = await engine.query(
    'SELECT path_in_schema AS column, sum(total_uncompressed_size)::DOUBLE AS bytes, sum(num_values)::DOUBLE AS n ' +
      `FROM parquet_metadata(${files}) WHERE type = 'BYTE_ARRAY' ` +
      `GROUP BY ALL HAVING n > 0 AND bool_and(encodings IN ('PLAIN', 'RLE, PLAIN', 'PLAIN, RLE'))`,
  );
  return new Map(
    found.map((row) => [String(row.column), Math.max(0, Number(row.bytes) / Number(row.n) - LENGTH_BYTES)]),
  );
}

async function sampledWidths(
  engine: Engine,
  fields: readonly Field[],
  sql: string,
): Promise<ReadonlyMap<string, number>> {
  if (fields.length === 0) return new Map();
  const averages = fields.map(
    ({ name, type }, index) =>
      `avg(${type.kind === 'binary' ? 'octet_length' : 'strlen'}(${identifier(name)})) AS w${index}`,
  );
  // The condition passes over all row groups but each file's first, which the limit alone would begin to read.
  const first = `SELECT * FROM (${sql}) WHERE "__row" < ${SAMPLED_ROWS} LIMIT ${SAMPLED_ROWS}`;
  const [row] = await engine.query(`SELECT ${averages.join(', ')} FROM (${first})`);
  return new Map(fields.map(({ name }, index) => [name, Number(row?.[`w${index}`] ?? 0)]));
}
