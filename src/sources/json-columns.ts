import { FoundryError } from '../core/errors.ts';
import { type DataType, STRING } from '../core/schema.ts';
import type { JsonRecord } from '../formats/json/record.ts';
import { inferJson, type JsonInference } from '../table/infer-json.ts';

/** The columns and types of JSON records, gathered record by record; constant size by column. */
export interface ColumnInference {
  /** @param placeOf the record, for the message. @throws DATA001 when a name stands twice in it. */
  add(record: JsonRecord, placeOf: (line: number) => string): void;
  /** Records so far. */
  readonly records: number;
  /** In the order of their first appearance. */
  names(): string[];
  /** The type that keeps every value so far; a column without values, and an unknown one, is a string. */
  typeOf(name: string): DataType;
  /** The record (from 1) in which the column appeared; 0 for an unknown one. */
  firstRecord(name: string): number;
}

interface Member {
  readonly inference: JsonInference;
  readonly firstRecord: number;
  lastRecord: number;
}

export function inferColumns(): ColumnInference {
  const members = new Map<string, Member>();
  let records = 0;
  const memberAt = rememberByPlace((name) => {
    const member = members.get(name) ?? { inference: inferJson(), firstRecord: records, lastRecord: 0 };
    members.set(name, member);
    return member;
  });
  return {
    add({ names, kinds, texts, line }, placeOf) {
      records += 1;
      for (let index = 0; index < names.length; index += 1) {
        const name = names[index] ?? '';
        const member = memberAt(index, name);
        if (member.lastRecord === records) {
          throw new FoundryError(
            'DATA001',
            `${placeOf(line)}: the name "${name}" stands twice in one record`,
            {
              details: { column: name },
            },
          );
        }
        member.lastRecord = records;
        const kind = kinds[index] ?? 'null';
        if (kind !== 'null') member.inference.add(kind, texts[index] ?? '');
      }
    },
    get records() {
      return records;
    },
    names: () => [...members.keys()],
    typeOf: (name) => members.get(name)?.inference.type() ?? STRING,
    firstRecord: (name) => members.get(name)?.firstRecord ?? 0,
  };
}

/** Looks a name up once for as long as the same string stands at the same place of the records. */
export function rememberByPlace<T>(lookUp: (name: string) => T): (place: number, name: string) => T {
  const remembered: { name: string; found: T }[] = [];
  return (place, name) => {
    const last = remembered[place];
    if (last?.name === name) return last.found;
    const found = lookUp(name);
    remembered[place] = { name, found };
    return found;
  };
}
