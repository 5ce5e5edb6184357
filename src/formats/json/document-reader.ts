import { type InputFile, type ReadOptions, readText } from '../input.ts';
import { utf8Chunks } from '../text.ts';
import { scanDocument } from './document-scanner.ts';
import type { JsonText } from './json-record.ts';

/**
 * The elements of the list at `jsonPath` (dotted; absent: the document itself) of a JSON document, or the object
 * there as the only element. Memory is bounded by the longest element (at most 256 MB), not by the document.
 * @throws DATA001 when the document is not JSON, not UTF-8, ends early, or has no list or object at the path;
 * whatever `readText` throws.
 */
export async function* readJsonDocument(
  input: InputFile,
  jsonPath: string | undefined,
  options: ReadOptions,
): AsyncGenerator<JsonText[]> {
  let found: JsonText[] = [];
  const path = jsonPath === undefined || jsonPath === '' ? [] : jsonPath.split('.');
  const scanner = scanDocument(path, input.path, (element) => found.push(element));
  for await (const chunk of utf8Chunks(readText(input, options), input.path)) {
    scanner.push(chunk);
    if (found.length === 0) continue;
    yield found;
    found = [];
  }
  scanner.finish();
  if (found.length > 0) yield found;
}
