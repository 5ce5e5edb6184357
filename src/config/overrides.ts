import { loadPatternOf, type Overrides, overrideSilver, usage } from './silver/overrides.ts';
import type { DatasetSpec } from './spec.ts';

export { adHocSilver, adHocSilverSpec } from './ad-hoc.ts';
export type { OutputName } from './silver/output-names.ts';
export type { Overrides } from './silver/overrides.ts';

/** @throws USE001 when the result breaks a rule that the config keeps: keys a model needs, a format to write. */
export function applyOverrides(spec: DatasetSpec, overrides: Overrides): DatasetSpec {
  const pattern = loadPatternOf(overrides);
  const bronze = {
    ...spec.bronze,
    ...(pattern !== undefined && { loadPattern: pattern }),
    ...(overrides.bronzeBase !== undefined && { base: overrides.bronzeBase }),
  };
  if (spec.silver === undefined) {
    const { loadPattern: _pattern, bronzeBase: _base, ...silverOnly } = overrides;
    if (Object.values(silverOnly).some((value) => value !== undefined)) {
      throw usage(`${spec.configPath} has no silver section that the flags for Silver could change`);
    }
    return { ...spec, bronze };
  }
  const silver = overrideSilver(spec.silver, overrides, pattern, bronze.loadPattern);
  return { ...spec, bronze, silver };
}
