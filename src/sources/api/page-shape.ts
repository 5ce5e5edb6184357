import type { ApiSourceSpec } from '../../config/api/spec.ts';
import { LIST_NAMES, type Page } from '../../formats/json/page.ts';
import type { ApiResponse } from './exchange.ts';
import { pageError } from './paging/scheme.ts';
import { excerptOf } from './status.ts';

/**
 * Holds pages against the first one. Without a path that names it, the list of records is found by what the answer looks
 * like, and an object without any is one record; so an error that comes with status 200 would be a record, and the end.
 *
 * Where the config says where the records are, a list there may be the record itself where it has only one, as in answers
 * that were XML once.
 *
 * @throws (the guard) PAGE001 for a page whose records are not where those of the first page were
 */
export function shapeGuard(
  { recordsPath, pagination }: Pick<ApiSourceSpec, 'recordsPath' | 'pagination'>,
  redact: (text: string) => string,
): (number: number, page: Page, response: ApiResponse) => void {
  const hasPath = recordsPath !== undefined;
  let first: string | undefined;
  return (number, page, { status, body }) => {
    if (status === 204) return;
    const shape = page.found === 'list' ? (page.listName ?? LIST) : RECORD;
    const absent = hasPath || pagination.type === 'none' || shape !== RECORD ? undefined : nullList(page);
    if (absent !== undefined) {
      throw pageError(
        number,
        `its "${absent}" is null, and only an empty list says that there are no records`,
        'If the records are elsewhere, let data_path lead to them.',
      );
    }
    first ??= shape;
    const isEndOfRecords = first === RECORD && page.count === 0;
    const isOneOfList = hasPath && [first, shape].every((one) => one === LIST || one === RECORD);
    if (shape === first || isEndOfRecords || isOneOfList) return;
    throw pageError(
      number,
      `it ${said(shape)}, and page 1 ${said(first)}: ${redact(excerptOf(body))}`,
      'Nothing was landed. If this is an error of the API, run again later, and let error_path lead to it; if it is a page, let data_path lead to the records of all pages.',
    );
  };
}

/** No names of members. */
const LIST = '[]';
const RECORD = '{}';

/** What would be the list of records, and is null. */
function nullList(page: Page): string | undefined {
  const envelope = page.envelope();
  if (typeof envelope !== 'object' || envelope === null) return undefined;
  return LIST_NAMES.find((name) =>
    Object.entries(envelope).some(([key, value]) => key === name && value === null),
  );
}

function said(shape: string): string {
  if (shape === RECORD) return 'is one object without a list of records';
  return shape === LIST ? 'is a list of records' : `has its records in "${shape}"`;
}
