import { Readable } from 'node:stream';

/** Makes blocks of the messages of a COPY, each of which is a row. */
export interface Gatherer<T> {
  row(message: Uint8Array): void;
  /** After the last row. */
  end(): void;
  /** A block that it gave has been used, and may be given again. */
  used?(block: T): void;
}

/** The driver's statement, of which more is used than its types tell. */
interface CopyStatement {
  resolve(result: unknown): void;
  readable(): Promise<Readable>;
}

/** Blocks that wait while another is used, before the server is made to wait. */
const BLOCKS_AHEAD = 2;

/**
 * The rows of a COPY, in blocks that are read only as fast as they are taken.
 *
 * The driver puts each row into a stream; that stream's own machinery, and a promise for each row, cost more than
 * everything else that happens to the row here. So the stream is only heard, and what is put into it goes to the gatherer.
 *
 * @param gather is told where its blocks go
 * @throws what the driver throws
 */
export async function* copyBlocks<T>(
  statement: PromiseLike<unknown>,
  gather: (give: (block: T) => void) => Gatherer<T>,
): AsyncGenerator<T> {
  const ready: T[] = [];
  const gatherer = gather((block) => void ready.push(block));
  let isOver = false;
  let isPaused = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => undefined;

  const push = (message: Uint8Array | null): boolean => {
    if (message === null) {
      gatherer.end();
      isOver = true;
    } else gatherer.row(message);
    if (ready.length > 0 || isOver) wake();
    isPaused ||= !isOver && ready.length >= BLOCKS_AHEAD;
    return !isPaused;
  };
  const fail = (error: unknown): void => {
    failure = { error };
    wake();
  };
  const stream = await streamOf(statement as unknown as CopyStatement, push, fail);

  for (;;) {
    if (failure !== undefined) throw failure.error;
    const block = ready.shift();
    if (block !== undefined) {
      yield block;
      gatherer.used?.(block);
    } else if (isOver) {
      break;
    } else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (isPaused && ready.length < BLOCKS_AHEAD) {
      isPaused = false;
      // The driver reads on when its stream asks for more.
      stream._read(0);
    }
  }
}

/**
 * The stream of a COPY, heard from its very first moment: the driver may end it with an error before whoever waits for
 * it gets it, and an error that nobody hears ends the process.
 */
function streamOf(
  statement: CopyStatement,
  push: (message: Uint8Array | null) => boolean,
  onError: (error: unknown) => void,
): Promise<Readable> {
  const resolve = statement.resolve.bind(statement);
  // Called once more when the statement is over.
  statement.resolve = (result) => {
    if (result instanceof Readable) Object.assign(result.on('error', onError), { push });
    resolve(result);
  };
  return statement.readable();
}
