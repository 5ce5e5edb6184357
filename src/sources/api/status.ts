import { FoundryError } from '../../core/errors.ts';
import type { ApiResponse } from './exchange.ts';

/** The host answered that it cannot answer now. */
export class BusyError extends Error {
  override readonly name = 'BusyError' as const;
  readonly status: number;
  /** How long it asks to be left alone. */
  readonly afterMs: number | undefined;

  constructor(message: string, status: number, afterMs: number | undefined) {
    super(message);
    this.status = status;
    this.afterMs = afterMs;
  }
}

/** @param statuses worth another attempt; absent: those that say themselves that they pass */
export function isBusy(status: number, statuses: readonly number[] | undefined): boolean {
  if (statuses !== undefined) return statuses.includes(status);
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/**
 * `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3). Undefined where it is absent or
 * neither.
 */
export function retryAfterMs(headers: Readonly<Record<string, string>>, nowMs: number): number | undefined {
  const text = headers['retry-after']?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  // Every form of a date (RFC 9110, section 5.6.7) names its month; JavaScript takes less for one.
  const date = /[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

const EXCERPT_CHARS = 200;

/**
 * Throws for an answer whose status is no success.
 *
 * @throws AUTH001 for 401 and 403; EXT001 for any other
 */
export function checkStatus(page: string, response: ApiResponse, redact: (text: string) => string): void {
  const { status } = response;
  if (status >= 200 && status < 300) return;
  const isRefused = status === 401 || status === 403;
  const excerpt = excerptOf(response.body);
  const said = excerpt === '' ? '' : `: ${redact(excerpt)}`;
  throw new FoundryError(isRefused ? 'AUTH001' : 'EXT001', `${page}: the API answered ${status}${said}`, {
    details: { status },
    ...hintOf(status),
  });
}

function hintOf(status: number): { readonly hint?: string } {
  if (status === 404) return { hint: 'Correct base_url and endpoint.' };
  if (status === 400 || status === 422)
    return { hint: 'Correct params, body and the names of the page parameters.' };
  return status < 400 ? { hint: 'Correct base_url and endpoint: the answer is no page of records.' } : {};
}

/** The first words of a body, on one line. */
export function excerptOf(body: Uint8Array): string {
  const text = Buffer.from(body.subarray(0, EXCERPT_CHARS * 4))
    .toString()
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return text.length > EXCERPT_CHARS ? `${text.slice(0, EXCERPT_CHARS)}…` : text;
}
