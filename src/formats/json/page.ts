import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { FoundryError } from '../../core/errors.ts';
import { incompleteTail } from '../text.ts';
import { scanDocument, type TargetKind } from './document-scanner.ts';
import { nothingAtPath } from './json-path.ts';
import type { JsonText } from './record.ts';

/** Where an object at the path keeps its list, in this order (original-behaviour §3.1). */
export const LIST_NAMES = ['items', 'data', 'results', 'records'] as const;
const MAX_ENVELOPE_BYTES = 64 * 1024 * 1024;
const BLOCK_BYTES = 1 << 20;
const OPEN_LIST = 91;
const LOWER_N = 110;

export interface Page {
  /** What stands at the path. */
  readonly found: TargetKind | 'null' | 'absent';
  /** The member that holds the list, where an object stands at the path. */
  readonly listName?: string;
  /** Why nothing was found, and what there is instead; only for `absent`. */
  readonly absence?: { readonly problem: string; readonly hint: string };
  /** 0 for `absent`, `null` and `scalar`. */
  readonly count: number;
  /** Their exact texts in order; `line` counts them from 1. May be walked through again. */
  readonly records: () => Iterable<JsonText[]>;
  /**
   * The document with an empty list in place of the list of records. A number that JavaScript would write in another
   * way is the text of its digits.
   */
  readonly envelope: () => unknown;
  /** Of the records' bytes: two pages with the same records in the same spelling have the same one. */
  readonly fingerprint: () => string;
  /** All of it, as it came. */
  readonly text: () => string;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * One page of an API: the records at a path (steps: names and, in lists, indexes from 0; none: the document itself),
 * and what else it says. An object there gives the first of its `items`, `data`, `results` and `records` that is a list,
 * else itself as the only record. Beside the bytes, two numbers a record are held.
 * @param origin for messages: what was asked for, without secrets.
 * @param option the setting that gave the path, for messages.
 * @throws DATA001 naming the byte and what was expected there when it is not UTF-8, not JSON, or ends early. Whether
 * the text of each record is JSON is its reader's to check.
 */
export function parsePage(
  bytes: Uint8Array,
  path: readonly string[],
  origin: string,
  option = 'records_path',
): Page {
  const page = withoutMark(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (!isUtf8(page)) throw refusal(origin, 'it holds bytes that are not UTF-8', firstNotUtf8(page));
  const target = scanTarget(page, { path, origin, option });
  switch (target.kind) {
    case 'list':
      return pageOf('list', page, target.elements, target.range, origin);
    case 'scalar':
      return pageOf(page[target.from] === LOWER_N ? 'null' : 'scalar', page, noRanges(), undefined, origin);
    case 'absent':
      return { ...pageOf('absent', page, noRanges(), undefined, origin), absence: target.absence };
    case 'object': {
      const name = LIST_NAMES.find((candidate) => target.lists.has(candidate));
      const range = name === undefined ? undefined : target.lists.get(name);
      if (name === undefined || range === undefined) {
        const itself = noRanges();
        itself.add(target.range.from, target.range.to);
        return pageOf('object', page, itself, undefined, origin);
      }
      const list = scanTarget(page.subarray(range.from, range.to), { path: [], origin, option }, range.from);
      const elements = list.kind === 'list' ? list.elements : noRanges();
      return { ...pageOf('list', page, elements, range, origin), listName: name };
    }
  }
}

type Target =
  | { readonly kind: 'list'; readonly range: Range; readonly elements: Ranges }
  | { readonly kind: 'object'; readonly range: Range; readonly lists: ReadonlyMap<string, Range> }
  | { readonly kind: 'scalar'; readonly from: number }
  | { readonly kind: 'absent'; readonly absence: { readonly problem: string; readonly hint: string } };

/** @param shift bytes of the page before `bytes`. */
function scanTarget(
  bytes: Buffer,
  { path, origin, option }: { path: readonly string[]; origin: string; option: string },
  shift = 0,
): Target {
  let kind: TargetKind = 'scalar';
  let from = 0;
  let to = 0;
  const elements = noRanges();
  const lists = new Map<string, Range>();
  const scanner = scanDocument({
    path,
    refuse: (problem, _line, byte) => refusal(origin, problem, byte + shift),
    onTarget: (found, at) => {
      kind = found;
      from = at + shift;
    },
    wanted: {
      onTargetEnd: (end) => {
        to = end + shift;
      },
      onElement: (first, behind, name) => {
        if (kind === 'list') elements.add(first + shift, behind + shift);
        else if (isListName(name) && bytes[first] === OPEN_LIST) {
          if (lists.has(name)) throw refusal(origin, `"${name}" stands twice in one object`, first + shift);
          lists.set(name, { from: first + shift, to: behind + shift });
        }
      },
    },
  });
  scanner.push(bytes);
  const reached = scanner.finish();
  if (!reached.found) return { kind: 'absent', absence: nothingAtPath(path, option, reached) };
  // The compiler does not see that the scanner has assigned it.
  switch (kind as TargetKind) {
    case 'list':
      return { kind: 'list', range: { from, to }, elements };
    case 'object':
      return { kind: 'object', range: { from, to }, lists };
    case 'scalar':
      return { kind: 'scalar', from };
  }
}

function isListName(name: string | undefined): name is (typeof LIST_NAMES)[number] {
  return LIST_NAMES.some((candidate) => candidate === name);
}

function pageOf(
  found: Page['found'],
  page: Buffer,
  elements: Ranges,
  list: Range | undefined,
  origin: string,
): Page {
  return {
    found,
    count: elements.length,
    records: () => recordBlocks(page, elements),
    envelope: () => parseEnvelope(page, list, origin),
    fingerprint: () => fingerprintOf(page, elements),
    text: () => page.toString(),
  };
}

function fingerprintOf(page: Buffer, elements: Ranges): string {
  const hash = createHash('sha256').update(`${elements.length} `);
  if (elements.length > 0) {
    hash.update(page.subarray(elements.at(0).from, elements.at(elements.length - 1).to));
  }
  return hash.digest('base64');
}

function* recordBlocks(page: Buffer, elements: Ranges): Generator<JsonText[]> {
  let block: JsonText[] = [];
  let size = 0;
  for (let index = 0; index < elements.length; index += 1) {
    const { from, to } = elements.at(index);
    block.push({ text: page.toString('utf8', from, to), line: index + 1 });
    size += to - from;
    if (size < BLOCK_BYTES) continue;
    yield block;
    block = [];
    size = 0;
  }
  if (block.length > 0) yield block;
}

function parseEnvelope(page: Buffer, list: Range | undefined, origin: string): unknown {
  const parts =
    list === undefined ? [page] : [page.subarray(0, list.from), Buffer.from('[]'), page.subarray(list.to)];
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  if (size > MAX_ENVELOPE_BYTES) {
    throw new FoundryError('DATA001', `${origin}: the page holds ${size} bytes beside its records`, {
      hint: 'Let records_path lead to the list that holds the records.',
    });
  }
  try {
    return JSON.parse(parts.map((part) => part.toString()).join(''), keepDigits);
  } catch (error) {
    throw new FoundryError('DATA001', `${origin}: what stands beside the records is not JSON`, {
      cause: error,
    });
  }
}

/** ECMAScript's JSON.parse source text access, which the compiler's library does not know yet. */
function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return String(value) === context.source ? value : context.source;
}

function refusal(origin: string, problem: string, byte: number): FoundryError {
  return new FoundryError('DATA001', `${origin}, byte ${byte}: ${problem}`, {
    details: { page: origin, byte },
    hint: 'The answer is not the JSON that it should be. Look at it with --record, or ask for it with curl.',
  });
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** The byte at which the text stops being UTF-8, found by halving. */
function firstNotUtf8(bytes: Buffer): number {
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    const start = bytes.subarray(0, middle);
    if (isUtf8(start.subarray(0, middle - incompleteTail(start)))) valid = middle;
    else invalid = middle;
  }
  return valid - incompleteTail(bytes.subarray(0, valid));
}

/** Pairs of offsets, packed: a page may hold a million records. */
interface Ranges {
  readonly length: number;
  add(from: number, to: number): void;
  at(index: number): Range;
}

function noRanges(): Ranges {
  let offsets = new Float64Array(64);
  let length = 0;
  return {
    get length() {
      return length;
    },
    add(from, to) {
      if (length * 2 === offsets.length) {
        const grown = new Float64Array(offsets.length * 2);
        grown.set(offsets);
        offsets = grown;
      }
      offsets[length * 2] = from;
      offsets[length * 2 + 1] = to;
      length += 1;
    },
    at: (index) => ({ from: offsets[index * 2] ?? 0, to: offsets[index * 2 + 1] ?? 0 }),
  };
}
