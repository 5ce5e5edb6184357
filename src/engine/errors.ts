import { FoundryError, messageOf } from '../core/errors.ts';

/** Anything that the engine refused and that is neither memory, disk nor an interruption. */
export class EngineError extends Error {
  override readonly name = 'EngineError' as const;
}

const OUT_OF_MEMORY = /^Out of Memory Error/i;
const SPILL_LIMIT = /max_temp_directory_size/;
const NO_SPACE = /no space left|disk quota|file too large/i;
const WRITE_FAILED =
  /could not write|failed to write|cannot open file|could not (?:create|sync|close|move)|failed to create directory/i;

/**
 * What an error of the engine means to foundry, decided by its text: the binding gives nothing else.
 * @param spillFolder tells a full spill disk (ENG002) from a full output disk (STG001).
 */
export function translateEngineError(error: unknown, spillFolder: string): Error {
  const message = messageOf(error);
  if (/^INTERRUPT Error/i.test(message)) return new FoundryError('INT001', 'interrupted', { cause: error });
  if (OUT_OF_MEMORY.test(message) || SPILL_LIMIT.test(message)) {
    return new FoundryError('ENG002', `the engine ran out of memory: ${firstLine(message)}`, {
      cause: error,
    });
  }
  if (/^IO Error/i.test(message)) {
    if (message.includes(spillFolder)) {
      return new FoundryError(
        'ENG002',
        `the engine could not spill to ${spillFolder}: ${firstLine(message)}`,
        {
          cause: error,
        },
      );
    }
    if (NO_SPACE.test(message) || WRITE_FAILED.test(message)) {
      return new FoundryError('STG001', `writing failed: ${firstLine(message)}`, { cause: error });
    }
  }
  return new EngineError(message, { cause: error });
}

export function isInterruption(error: unknown): boolean {
  return error instanceof FoundryError && error.code === 'INT001';
}

/** Less would do with fewer threads; unlike a disk that is too full to spill to, which is ENG002 as well. */
export function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof FoundryError) || error.code !== 'ENG002') return false;
  const message = messageOf(error.cause);
  return OUT_OF_MEMORY.test(message) && !SPILL_LIMIT.test(message);
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
