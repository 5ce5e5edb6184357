import { classicSpec } from './classic.ts';
import { checkClassic } from './classic-check.ts';
import { classicSchema } from './classic-schema.ts';
import type { ConfigDocument } from './document.ts';
import { isMapping, type SubstitutedText } from './environment.ts';
import { intentSpec } from './intent.ts';
import { checkIntent } from './intent-check.ts';
import { intentSchema } from './intent-schema.ts';
import type { ConfigPath, ConfigProblem, ConfigWarning } from './problems.ts';
import { createReport, type Report } from './report.ts';
import type { DatasetSpec } from './spec.ts';
import { checkShape } from './validate.ts';

export interface ConfigFile {
  readonly file: string;
  readonly document: Pick<ConfigDocument, 'locate'>;
  /** The root of the file, after substitution. */
  readonly value: unknown;
  readonly origins: ReadonlyMap<string, SubstitutedText>;
  /** Paths whose substitution failed, reported already. */
  readonly unresolved: readonly ConfigPath[];
}

export interface ReadDatasets {
  readonly datasets: readonly DatasetSpec[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigWarning[];
}

/** Finds the dialect of a config, checks it and translates it. */
export function readDatasets(config: ConfigFile): ReadDatasets {
  const report = createReport(config.file, config.document, config.origins);
  for (const path of config.unresolved) report.mute(path);
  const dataset = readRoot(config.value, config.file, report);
  return {
    datasets: dataset === undefined ? [] : [dataset],
    problems: report.problems,
    warnings: report.warnings,
  };
}

function readRoot(root: unknown, file: string, report: Report): DatasetSpec | undefined {
  if (!isMapping(root)) {
    report.invalid(
      [],
      root === null || root === undefined ? 'the config is empty' : 'a config is a mapping of keys',
    );
    return undefined;
  }
  for (const [key, what] of NOT_YET) {
    if (!Object.hasOwn(root, key)) continue;
    report.later([key], `'${key}': ${what} not available yet`);
    return undefined;
  }
  const has = (keys: readonly string[]): boolean => keys.some((key) => Object.hasOwn(root, key));
  if (has(['platform', 'source'])) return readClassic(root, file, report);
  if (has(['system', 'entity', 'bronze'])) return readIntent(root, file, report);
  report.invalid(
    [],
    "the config requires 'platform' and 'source', or 'system', 'entity', 'bronze' and 'silver'",
  );
  return undefined;
}

const NOT_YET = [
  ['sources', 'files with several sources are'],
  ['datasets', 'files with several datasets are'],
  ['silver_join', 'joins are'],
] as const;

function readClassic(root: unknown, file: string, report: Report): DatasetSpec | undefined {
  const { config, partial } = checkShape(classicSchema, root, report);
  checkClassic(partial, report);
  return config === undefined || report.problems.length > 0 ? undefined : classicSpec(config, file);
}

function readIntent(root: unknown, file: string, report: Report): DatasetSpec | undefined {
  const { config, partial } = checkShape(intentSchema, root, report);
  checkIntent(partial, report);
  return config === undefined || report.problems.length > 0 ? undefined : intentSpec(config, file);
}
