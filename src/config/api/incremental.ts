import { checkIncremental, type IncrementalPlace, incrementalSpec } from '../incremental.ts';
import type { IncrementalSpec } from '../spec.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { ApiOptions } from './schema.ts';
import type { ApiIncremental } from './spec.ts';

/** @param at path of the API's section */
export function checkApiIncremental(
  { incremental, cursor_field: field, pagination }: Partly<ApiOptions>,
  at: ConfigPath,
  place: Omit<IncrementalPlace, 'at'>,
  report: Report,
): void {
  const here = [...at, 'incremental'];
  if (field?.trim() === '') report.invalid([...at, 'cursor_field'], 'cursor_field must not be empty');
  if (incremental === undefined || incremental.enabled === false) return;
  const { initial_value: initial, initial_cursor_value: older, cursor_param: param } = incremental;
  if (incremental.cursor_field === undefined && field === undefined) {
    report.invalid([...here, 'cursor_field'], "incremental reading of an API requires 'cursor_field'", 'key');
  }
  for (const key of ['cursor_field', 'cursor_param'] as const) {
    if (incremental[key]?.trim() === '') report.invalid([...here, key], `${key} must not be empty`);
  }
  if (incremental.cursor_field !== undefined && field !== undefined && incremental.cursor_field !== field) {
    report.invalid([...here, 'cursor_field'], 'cursor_field differs from that of the API; keep one of them');
  }
  if (initial !== undefined && older !== undefined) {
    report.invalid(
      [...here, 'initial_cursor_value'],
      'initial_value says this already; keep one of them',
      'key',
    );
  }
  if (incremental.format !== undefined && param === undefined) {
    report.warn([...here, 'format'], "'format' has no effect without cursor_param");
  }
  for (const key of ['max_records', 'max_pages'] as const) {
    if ((pagination?.[key] ?? 0) === 0) continue;
    report.warn(
      [...at, 'pagination', key],
      `'${key}' cuts an incremental run off: unless the API gives its records in the order of the cursor, those behind the cut never land`,
    );
  }
  checkIncremental({ ...incremental, initial_value: initial ?? older }, { at: here, ...place }, report);
}

/** The part of a Bronze spec that an API's cursor decides. */
export function apiIncrementalSpec({ incremental, cursor_field: field }: ApiOptions): {
  readonly incremental?: IncrementalSpec;
} {
  const { initial_value: initial, initial_cursor_value: older } = incremental ?? {};
  const options = incremental === undefined ? undefined : { ...incremental, initial_value: initial ?? older };
  const on = incrementalSpec(incremental?.cursor_field ?? field, options);
  if (on !== undefined) return { incremental: on };
  if (field === undefined) return {};
  return { incremental: { column: field, nullRows: 'include', recordOnly: true } };
}

/** How the cursor is sent; undefined where it is not. */
export function cursorSending({ incremental }: ApiOptions): ApiIncremental | undefined {
  if (incremental?.cursor_param === undefined || incremental.enabled === false) return undefined;
  return { param: incremental.cursor_param, format: incremental.format ?? 'text' };
}
