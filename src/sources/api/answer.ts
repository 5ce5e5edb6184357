import type { ApiSourceSpec } from '../../config/api/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { atJsonPath } from '../../core/json-path.ts';
import { type Page, parsePage } from '../../formats/json/page.ts';
import type { ApiResponse } from './exchange.ts';
import { checkStatus, excerptOf } from './status.ts';

/** A page, read and found to be one. */
export interface Answer {
  readonly page: Page;
  readonly envelope: unknown;
}

const NOTHING: Answer = {
  page: {
    found: 'list',
    count: 0,
    records: () => [],
    envelope: () => ({}),
    fingerprint: () => '',
    text: () => '',
  },
  envelope: {},
};

/**
 * What an answer holds.
 *
 * @param origin the page and its address, for messages
 * @throws AUTH001, EXT001 for a status or an error envelope; DATA001 for what is no JSON, or has no records where
 * they should be
 */
export function readAnswer(
  spec: Pick<ApiSourceSpec, 'recordsPath' | 'errorPath'>,
  response: ApiResponse,
  origin: string,
  redact: (text: string) => string,
): Answer {
  checkStatus(origin, response, redact);
  if (response.status === 204) return NOTHING;
  refuseOtherContent(response, origin, redact);
  const page = parsePage(response.body, spec.recordsPath ?? [], origin, 'data_path');
  const envelope = page.envelope();
  const error = spec.errorPath === undefined ? undefined : atJsonPath(envelope, spec.errorPath);
  if (saysSomething(error)) {
    const said = typeof error === 'string' ? error : JSON.stringify(error);
    throw new FoundryError('EXT001', `${origin}: the answer is an error: ${redact(said.slice(0, 500))}`, {
      details: { status: response.status },
      hint: `It says so at error_path, ${spec.errorPath?.join('.')}.`,
    });
  }
  if (page.absence !== undefined) {
    throw new FoundryError('DATA001', `${origin} ${page.absence.problem}`, { hint: page.absence.hint });
  }
  if (page.found === 'scalar' || page.found === 'null') {
    const place =
      spec.recordsPath === undefined ? 'the answer' : `what stands at "${spec.recordsPath.join('.')}"`;
    throw new FoundryError('DATA001', `${origin}: ${place} is neither a list nor an object`, {
      hint: 'Let data_path lead to the list of records.',
    });
  }
  return { page, envelope };
}

function refuseOtherContent(
  { headers, body }: ApiResponse,
  origin: string,
  redact: (text: string) => string,
): void {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  const isOther = /^(?:text\/(?:html|xml|csv)|application\/(?:xml|xhtml\+xml|pdf|zip))$|\+xml$/.test(type);
  if (!isOther && body.length > 0) return;
  const what = body.length === 0 ? 'an empty body' : `${type}: ${redact(excerptOf(body))}`;
  throw new FoundryError('DATA001', `${origin}: the answer is not JSON but ${what}`, {
    details: { content_type: type },
    hint: 'Correct base_url and endpoint; a page for people often means that a login is wanted.',
  });
}

function saysSomething(error: unknown): boolean {
  if (error === undefined || error === null || error === false || error === 0 || error === '') return false;
  return typeof error !== 'object' || Object.keys(error).length > 0;
}
