import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { FoundryError, messageOf, throwIfStopped } from '../core/errors.ts';
import type { Attributes } from '../core/span.ts';
import { traced } from '../core/trace.ts';
import type { Engine, EngineLimits } from './engine.ts';
import { isInterruption, translateEngineError } from './errors.ts';

/** Freed memory goes back to the system at once: kept, it grew to twice the limit in large joins and sorts. */
const RETURN_FREED = {
  allocator_flush_threshold: '16MB',
  allocator_bulk_deallocation_flush_threshold: '16MB',
  allocator_background_threads: 'true',
} as const;

/**
 * An in-memory database with its own spill folder inside `limits.spillFolder`.
 * @param signal stops the statement that is running when it fires, and refuses later ones.
 * @throws ENG001 when the library cannot be loaded or started.
 */
export async function openEngine(limits: EngineLimits, signal?: AbortSignal): Promise<Engine> {
  const spill = join(limits.spillFolder, `foundry-spill-${randomUUID()}`);
  const { instance, connection } = await start(limits, spill);
  let closed = false;
  const shared = { instance, spill, memoryBytes: limits.memoryBytes };
  return engineOn(shared, connection, signal, async () => {
    if (closed) return;
    closed = true;
    instance.closeSync();
    // The result stands, whatever becomes of scratch files.
    await rm(spill, { recursive: true, force: true }).catch(() => undefined);
  });
}

/** What all connections to one database have in common. */
interface Shared {
  readonly instance: DuckDBInstance;
  readonly spill: string;
  readonly memoryBytes: number;
}

/** @param release what else goes when the connection is closed */
function engineOn(
  shared: Shared,
  connection: DuckDBConnection,
  signal: AbortSignal | undefined,
  release: () => Promise<void>,
): Engine {
  const { instance, memoryBytes, spill } = shared;
  const interrupt = (): void => connection.interrupt();
  signal?.addEventListener('abort', interrupt);
  let closed = false;

  const guarded = async <T>(run: () => Promise<T>): Promise<T> => {
    if (signal !== undefined) throwIfStopped(signal);
    try {
      return await run();
    } catch (error) {
      const translated = translateEngineError(error, spill);
      // The signal knows why the run was stopped, which decides the exit code; the engine does not.
      if (signal !== undefined && isInterruption(translated)) throwIfStopped(signal);
      throw translated;
    }
  };

  return {
    memoryBytes,
    execute: (sql) =>
      traced('foundry.query', queryAttributes(sql), () =>
        guarded(async () => {
          await connection.run(sql);
        }),
      ),
    query: (sql) =>
      traced('foundry.query', queryAttributes(sql), () =>
        guarded(async () => (await connection.runAndReadAll(sql)).getRowObjectsJS()),
      ),
    async *stream(sql) {
      const result = await guarded(() => connection.stream(sql));
      for (;;) {
        const columns = await guarded(async () => {
          const chunk = await result.fetchChunk();
          return chunk === null || chunk.rowCount === 0 ? undefined : chunk.getColumns();
        });
        if (columns === undefined) return;
        yield columns;
      }
    },
    progress: () => (closed ? 0 : Math.max(0, Math.min(1, connection.progress.percentage / 100))),
    interrupt,
    fork: async () => engineOn(shared, await connectTo(instance), signal, async () => undefined),
    close: async () => {
      if (closed) return;
      closed = true;
      signal?.removeEventListener('abort', interrupt);
      connection.closeSync();
      await release();
    },
  };
}

/** Of a statement, what tells it from others. */
const SHOWN_SQL = 500;

function queryAttributes(sql: string): () => Attributes {
  return () => ({ 'db.system.name': 'duckdb', 'db.query.text': sql.slice(0, SHOWN_SQL) });
}

async function start(limits: EngineLimits, spill: string) {
  // The engine makes its own folder when it spills, but not that folder's parents; a failure shows up then.
  await mkdir(limits.spillFolder, { recursive: true }).catch(() => undefined);
  try {
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${Math.max(1, Math.floor(limits.memoryBytes / 1024))}KiB`,
      threads: String(Math.max(1, limits.threads)),
      temp_directory: spill,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      preserve_insertion_order: 'true',
      ...RETURN_FREED,
    });
    return { instance, connection: await connectTo(instance) };
  } catch (error) {
    throw new FoundryError('ENG001', `the embedded engine could not be started: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function connectTo(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  // Without the bar the engine does not count; it prints nothing.
  await connection.run(
    "SET TimeZone = 'UTC'; SET enable_progress_bar = true; SET enable_progress_bar_print = false",
  );
  return connection;
}
