import type { ErrorHandling } from '../config/spec.ts';

/** Where a partition keeps the rows that it refused: no glob for Parquet or CSV takes what lies there. */
export const QUARANTINE_FOLDER = '_quarantine/';

/**
 * Whether the refused rows refuse the whole run: where error handling is off or allows none, any; else more than the
 * records allowed and, of all rows, more than the percentage (original-behaviour §5.3).
 */
export function isTooMany(allowed: ErrorHandling, bad: number, total: number): boolean {
  if (bad === 0) return false;
  if (!allowed.enabled || allowed.maxBadRecords === 0) return true;
  return bad > allowed.maxBadRecords && (bad / total) * 100 > allowed.maxBadPercent;
}
