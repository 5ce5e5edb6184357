import { FoundryError } from '../../core/errors.ts';
import { type InputFile, type ReadOptions, readText } from '../input.ts';
import { utf8Chunks } from '../text.ts';
import type { JsonText } from './record.ts';

const LF = 10;
const MAX_LINE_BYTES = 256 * 1024 * 1024;

/** The lines of a JSON Lines file (`jsonLines`). @throws whatever `jsonLines` and `readText` throw */
export function readJsonLines(input: InputFile, options: ReadOptions): AsyncGenerator<JsonText[]> {
  return jsonLines(readText(input, options), input.path);
}

/**
 * The lines of a text that are not blank, in bounded memory; whether each is JSON is not looked at.
 * @param name what is read, for messages
 * @throws DATA001 for text that is not UTF-8 and for a line over 256 MB.
 */
export async function* jsonLines(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<JsonText[]> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let line = 1;

  const take = (end: Buffer): JsonText[] => {
    const text = pending.length === 0 ? end.toString() : Buffer.concat([...pending, end]).toString();
    pending = [];
    pendingBytes = 0;
    const found: JsonText[] = [];
    for (const part of text.split('\n')) {
      if (!isBlank(part)) found.push({ text: part, line });
      line += 1;
    }
    return found;
  };

  for await (const chunk of utf8Chunks(chunks, name)) {
    const last = chunk.lastIndexOf(LF);
    if (last !== -1) yield take(chunk.subarray(0, last));
    const rest = chunk.subarray(last + 1);
    if (rest.length > 0) pending.push(rest);
    pendingBytes += rest.length;
    if (pendingBytes > MAX_LINE_BYTES) {
      throw new FoundryError('DATA001', `${name}:${line}: the line is longer than 256 MB`, {
        details: { file: name, line },
        hint: 'A JSON document that is not one value per line needs format: json.',
      });
    }
  }
  yield take(Buffer.alloc(0));
}

function isBlank(text: string): boolean {
  return /^[ \t\r]*$/.test(text);
}
