import type { DatabaseEngine } from '../../config/database/spec.ts';
import type { Attributes } from '../../core/span.ts';
import { startSpan, traced } from '../../core/trace.ts';
import type { Session } from './driver.ts';

/** Of a statement, what tells it from others; its parameters are nobody's business. */
const SHOWN_SQL = 500;

/** A session whose statements are spans. */
export function tracedSession(session: Session, engine: DatabaseEngine): Session {
  const attributes = (sql: string) => (): Attributes => ({
    'db.system.name': engine,
    'db.query.text': sql.slice(0, SHOWN_SQL),
  });
  const { csv } = session;
  return {
    ...session,
    query: (statement) => traced('foundry.query', attributes(statement.sql), () => session.query(statement)),
    rows: (statement) => tracedStream(session.rows(statement), attributes(statement.sql)),
    ...(csv !== undefined && {
      csv: (statement, columns) =>
        tracedStream(csv.call(session, statement, columns), attributes(statement.sql)),
    }),
  };
}

async function* tracedStream<T>(blocks: AsyncIterable<T>, attributes: () => Attributes): AsyncGenerator<T> {
  const span = startSpan('foundry.query', attributes);
  try {
    yield* blocks;
    span?.end();
  } catch (error) {
    span?.end(error);
    throw error;
  } finally {
    span?.end();
  }
}
