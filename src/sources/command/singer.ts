import { FoundryError } from '../../core/errors.ts';
import { jsonRecordParser } from '../../formats/json/json-record.ts';
import type { JsonText } from '../../formats/json/record.ts';
import type { KeptState } from '../source.ts';

/** What one line of a Singer tap's output means for one stream (Singer specification, "Output"). */
export type SingerMessage =
  | { readonly type: 'record'; readonly record: JsonText }
  | { readonly type: 'state'; readonly state: KeptState }
  | { readonly type: 'other' };

const OTHER: SingerMessage = { type: 'other' };

/**
 * Gives a reader of the lines of a tap.
 * @param stream the one whose records are wanted; absent: the only one
 * @throws DATA001 (the reader) naming the line: no JSON, no message, a record of a second stream where none was chosen,
 * or a BATCH, whose rows lie in files that only the tap knows.
 */
export function singerReader(name: string, stream: string | undefined): (line: JsonText) => SingerMessage {
  const place = (line: number): string => `${name}: line ${line}`;
  const parse = jsonRecordParser(name, place);
  const streams = new Set<string>();

  const refuse = (line: number, what: string, hint: string): FoundryError =>
    new FoundryError('DATA001', `${place(line)} ${what}`, { details: { line }, hint });

  const isWanted = (line: number, of: string): boolean => {
    streams.add(of);
    if (stream !== undefined) return of === stream;
    if (streams.size === 1) return true;
    throw refuse(line, `is of the stream ${of}, after ${[...streams][0]}`, `Choose one with stream: ${of}.`);
  };

  return (source) => {
    const { names, kinds, texts } = parse(source);
    const member = (key: string): { kind: string; text: string } | undefined => {
      const index = names.indexOf(key);
      return index < 0 ? undefined : { kind: kinds[index] ?? 'null', text: texts[index] ?? '' };
    };
    switch (member('type')?.text) {
      case 'RECORD': {
        const record = member('record');
        const of = member('stream');
        if (record?.kind !== 'json' || of?.kind !== 'string') {
          throw refuse(source.line, 'is a RECORD without a stream or a record', 'Report this to the tap.');
        }
        return isWanted(source.line, of.text)
          ? { type: 'record', record: { text: record.text, line: source.line } }
          : OTHER;
      }
      case 'STATE':
        return { type: 'state', state: keptState(JSON.parse(source.text).value ?? null, member('value')) };
      case 'SCHEMA':
        return OTHER;
      case 'BATCH':
        throw refuse(source.line, 'is a BATCH', 'Configure the tap to write records instead of batch files.');
      case undefined:
        throw refuse(
          source.line,
          'is no Singer message: it has no type',
          'Set format: jsonl for plain records.',
        );
      default:
        return OTHER;
    }
  };
}

/** A state is the tap's own: a number in it that JavaScript would change has to come back as it was. */
function keptState(value: unknown, source: { kind: string; text: string } | undefined): KeptState {
  const isNumberOrNested = source?.kind === 'json' || source?.kind === 'number';
  return isNumberOrNested && source.text !== JSON.stringify(value) ? { value, text: source.text } : { value };
}
