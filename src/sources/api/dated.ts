import type { ApiSourceSpec } from '../../config/api/spec.ts';
import type { RunDate } from '../../core/run-date.ts';
import { Secret } from '../../core/secret.ts';
import { expandPath } from '../file/paths.ts';

/** The spec with `{date}`, `{yyyy}`, `{mm}` and `{dd}` of endpoint, parameters and body filled in. */
export function datedSpec(spec: ApiSourceSpec, runDate: RunDate): ApiSourceSpec {
  const filled = (value: unknown): unknown => {
    if (typeof value === 'string') return expandPath(value, runDate);
    if (Array.isArray(value)) return value.map(filled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item)]));
  };
  const params = Object.entries(spec.params).map(
    ([name, value]) => [name, value instanceof Secret ? value : expandPath(value, runDate)] as const,
  );
  return {
    ...spec,
    endpoint: expandPath(spec.endpoint, runDate),
    params: Object.fromEntries(params),
    ...(spec.body !== undefined && {
      body: { ...spec.body, members: filled(spec.body.members) as Record<string, unknown> },
    }),
  };
}
