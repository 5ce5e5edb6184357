import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandSourceSpec } from '../../config/command/spec.ts';
import type { FileSourceSpec } from '../../config/spec.ts';
import type { Batches } from '../../core/batch.ts';
import { FoundryError } from '../../core/errors.ts';
import { statInput } from '../../formats/input.ts';
import { storageFailure } from '../../storage/failure.ts';
import { dialectOf, openDelimited, readDelimited } from '../file/delimited.ts';
import type { ReadRequest } from '../source.ts';

/**
 * The rows of CSV or TSV that a program wrote. The text is kept in a file first: types may follow from all of it, and the
 * program's exit code is known before the first row goes on.
 * @throws DATA001 naming the line of the output; what the program's output throws; STG001.
 */
export async function* readDelimitedOutput(
  spec: CommandSourceSpec,
  name: string,
  chunks: AsyncIterable<Buffer>,
  request: ReadRequest,
  warn: (message: string) => void,
): Batches {
  const format = spec.format === 'tsv' ? 'tsv' : 'csv';
  const root = request.spool ?? tmpdir();
  const folder = await mkdtemp(join(root, 'foundry-output-')).catch((error: unknown) => {
    throw storageFailure('write', root, error);
  });
  const path = join(folder, `output.${format}`);
  try {
    const written = await write(path, chunks);
    const file: FileSourceSpec = { ...spec.reading, type: 'file', path, format };
    if (written === 0) return;
    const input = await statInput(path, spec.reading.encoding);
    const opened = await openDelimited(file, dialectOf(file, format), [input], request.signal, warn);
    const limit = request.limitRows;
    yield* readDelimited(
      { ...file, ...(limit !== undefined && { limitRows: Math.min(limit, file.limitRows ?? limit) }) },
      opened,
      { ...request, onBytes: () => {} },
      warn,
    );
  } catch (error) {
    throw named(error, path, name);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function write(path: string, chunks: AsyncIterable<Buffer>): Promise<number> {
  const file = await open(path, 'w', 0o600).catch((error: unknown) => {
    throw storageFailure('write', path, error);
  });
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      await file.appendFile(chunk).catch((error: unknown) => {
        throw storageFailure('write', path, error);
      });
      bytes += chunk.length;
    }
  } finally {
    await file.close();
  }
  return bytes;
}

/** The file is gone when somebody reads the message: it speaks of the program's output instead. */
function named(error: unknown, path: string, name: string): unknown {
  if (!(error instanceof FoundryError) || error.code === 'STG001') return error;
  return new FoundryError(error.code, error.message.replaceAll(path, `output of ${name}`), {
    details: { ...error.details, ...(error.details.file === path && { file: name }) },
    hint: error.hint,
    cause: error,
  });
}
