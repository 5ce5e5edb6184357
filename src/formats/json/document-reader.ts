import { FoundryError } from '../../core/errors.ts';
import { type InputFile, type ReadOptions, readText } from '../input.ts';
import { utf8Chunks } from '../text.ts';
import { type ScannedValue, scanDocument } from './document-scanner.ts';
import { nothingAtPath, pathSegments } from './json-path.ts';
import type { JsonText } from './record.ts';

/**
 * The elements of the list at `jsonPath` (dotted, with indexes in lists; absent: the document itself) of a JSON
 * document, or the object there as the only element. Memory is bounded by the longest element (at most 256 MB), not
 * by the document.
 * @throws DATA001 when the document is not JSON, not UTF-8, ends early, or has no list or object at the path;
 * whatever `readText` throws.
 */
export async function* readJsonDocument(
  input: InputFile,
  jsonPath: string | undefined,
  options: ReadOptions,
): AsyncGenerator<JsonText[]> {
  let found: JsonText[] = [];
  const path = pathSegments(jsonPath);
  const scanner = scanDocument(documentRequest(path, input.path, (element) => found.push(element)));
  for await (const chunk of utf8Chunks(readText(input, options), input.path)) {
    scanner.push(chunk);
    if (found.length === 0) continue;
    yield found;
    found = [];
  }
  const reached = scanner.finish();
  if (!reached.found) {
    const { problem, hint } = nothingAtPath(path, 'json_path', reached);
    throw new FoundryError('DATA001', `${input.path} ${problem}`, { details: { file: input.path }, hint });
  }
  if (found.length > 0) yield found;
}

/** What is asked of the scanner for the records of a file. */
export function documentRequest(path: readonly string[], file: string, onRecord: (record: JsonText) => void) {
  const refuse = (problem: string, line: number): FoundryError =>
    new FoundryError('DATA001', `${file}:${line}: ${problem}`, { details: { file, line } });
  return {
    path,
    refuse,
    onTarget: (kind: 'list' | 'object' | 'scalar'): void => {
      if (kind !== 'scalar') return;
      const where = path.length === 0 ? 'the document' : `json_path "${path.join('.')}"`;
      throw new FoundryError('DATA001', `${file}: ${where} is neither a list nor an object`, {
        details: { file },
      });
    },
    wanted: (element: ScannedValue): void => onRecord({ text: element.bytes.toString(), line: element.line }),
  };
}
