import { FoundryError, messageOf } from '../../core/errors.ts';
import { retrying } from '../../resilience/retry.ts';
import type { CsvBlock } from '../engine-input.ts';
import type { OpenSource, ReadRequest, Source, SourcePlan } from '../source.ts';
import { batchesOf } from './cells.ts';
import { describeTarget } from './connection-target.ts';
import { connectionsTo, connectionTarget, readPolicy } from './connections.ts';
import type { ResultColumn } from './driver.ts';
import { lookAt, openReading, type Reading } from './reading.ts';

/** Rows of a query on PostgreSQL, MySQL or SQL Server. Nothing is asked of the database before `read`. */
export const openDatabaseSource: OpenSource<'db'> = (spec, context): Source => {
  let open: Reading | undefined;
  let columns: readonly ResultColumn[] = [];

  const close = async (): Promise<void> => {
    const reading = open;
    open = undefined;
    await reading?.close();
  };

  const start = async (request: Parameters<Source['read']>[0]): Promise<Reading> => {
    await close();
    const target = connectionTarget(spec);
    const connected = await connectionsTo(target, spec);
    open = await openReading(spec, connected, describeTarget(target), context, request);
    columns = open.columns;
    return open;
  };

  return {
    plan: async () => planOf(spec),
    retry: readPolicy(spec),
    async *read(request) {
      const reading = await start(request);
      try {
        const origin = describeTarget(connectionTarget(spec));
        yield* batchesOf(reading.columns, rowsOf(reading), origin, request);
        reading.done();
      } finally {
        await close();
      }
    },
    async engineInput(request) {
      const reading = await start(request);
      return {
        format: 'text',
        columns: reading.columns,
        concurrency: reading.workers,
        repeating: (land) =>
          retrying(
            land,
            { ...readPolicy(spec), classify: (error) => ({ retry: reading.mayRepeat(error) }) },
            {
              signal: request.signal,
              onRetry: ({ error, waitMs }) =>
                context.warn(
                  `${messageOf(error)}; reading this chunk again in ${Math.ceil(waitMs / 1000)} s`,
                ),
            },
          ),
        chunks: reading.chunks.map((chunk) => ({ blocks: () => counted(chunk.csv(), request.onBytes) })),
        onRead: () => reading.done(),
      };
    },
    sourceTypes: () =>
      columns.length === 0
        ? undefined
        : Object.fromEntries(columns.map(({ name, sourceType }) => [name, sourceType])),
    /** Connects and lets the server look at the query, which is not run. */
    async check(signal) {
      const target = connectionTarget(spec);
      const connected = await connectionsTo(target, spec);
      const { server, columns: found } = await lookAt(spec, connected, context, signal);
      return `${server} on ${describeTarget(target)}: ${found.length === 1 ? '1 column' : `${found.length} columns`}`;
    },
    close,
  };
};

async function* counted(
  blocks: AsyncIterable<CsvBlock>,
  onBytes: ReadRequest['onBytes'],
): AsyncGenerator<CsvBlock> {
  for await (const block of blocks) {
    onBytes?.(block.bytes.length);
    yield block;
  }
}

async function* rowsOf({ chunks }: Reading) {
  for (const chunk of chunks) yield* chunk.rows();
}

function planOf(spec: Parameters<typeof openDatabaseSource>[0]): SourcePlan {
  const what = spec.query.kind === 'table' ? `table ${spec.query.names.join('.')}` : 'query';
  try {
    return { description: `${what} on ${describeTarget(connectionTarget(spec))}`, inputs: [] };
  } catch (error) {
    if (!(error instanceof FoundryError)) throw error;
    return { description: `${what} on ${spec.connectionEnv}`, inputs: [], problem: error.message };
  }
}
