import { checkClassic } from './classic/check.ts';
import { type ClassicConfig, classicSchema } from './classic/schema.ts';
import { classicSpec } from './classic/spec.ts';
import { checkIntent } from './intent/check.ts';
import { type IntentConfig, intentSchema } from './intent/schema.ts';
import { intentSpec } from './intent/spec.ts';
import { checkJoin } from './join/check.ts';
import { joinSchema, PLATFORM_KEYS } from './join/schema.ts';
import type { JoinSpec } from './join/spec.ts';
import { joinSpec } from './join/translate.ts';
import { type ConfigView, datasetViews, sourceViews } from './multi.ts';
import type { DatasetSpec } from './spec.ts';
import type { ConfigDocument } from './yaml/document.ts';
import { isMapping, type SubstitutedText } from './yaml/environment.ts';
import type { ConfigPath, ConfigProblem, ConfigWarning } from './yaml/problems.ts';
import { createReport, type Report } from './yaml/report.ts';
import type { Schema } from './yaml/schema-kit.ts';
import { checkShape } from './yaml/validate.ts';

export interface ConfigFile {
  readonly file: string;
  readonly document: Pick<ConfigDocument, 'locate'>;
  /** The root of the file, after substitution. */
  readonly value: unknown;
  readonly origins: ReadonlyMap<string, SubstitutedText>;
  /** Paths whose substitution failed, reported already. */
  readonly unresolved: readonly ConfigPath[];
}

/** One dataset between its check and its translation. */
export interface Draft {
  readonly view: ConfigView;
  readonly schema: Schema;
  /** What the schema made of `view.root`; undefined when it does not fit. */
  readonly config: unknown;
  /** The spec of a config of this dialect; may throw for one that was not checked. */
  translate(config: unknown): DatasetSpec;
}

export interface ReadDatasets {
  readonly datasets: readonly DatasetSpec[];
  /** Of a file with a `silver_join` section. */
  readonly join?: JoinSpec;
  /** Of each dataset; empty when there are problems. */
  readonly drafts: readonly Draft[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigWarning[];
}

/** Finds the dialect of a config, checks it and translates it: one dataset, or one for each entry of a list. */
export function readDatasets(config: ConfigFile): ReadDatasets {
  const { file, document, origins, unresolved, value } = config;
  const reports: Report[] = [];
  const openReport = (rebase?: (path: ConfigPath) => ConfigPath): Report => {
    const report = createReport(file, document, origins, { muted: unresolved, ...(rebase && { rebase }) });
    reports.push(report);
    return report;
  };
  const whole = openReport();
  const { datasets: rest, join: joinRoot } = withoutJoin(value);
  const join = joinRoot === undefined ? undefined : checkShape(joinSchema, joinRoot, whole);
  if (join !== undefined) checkJoin(join.partial, whole);
  const drafts = (rest === undefined ? [] : viewsOf(rest, whole)).map((view) =>
    readDraft(view, file, openReport(view.rebase)),
  );
  const problems = once(reports.flatMap((report) => report.problems));
  const warnings = once(
    reports.flatMap((report) => report.warnings),
    ({ message }) => message,
  );
  if (problems.length > 0 || unresolved.length > 0) return { datasets: [], drafts: [], problems, warnings };
  const datasets = drafts.map(({ config, translate }) => translate(config));
  refuseSameNames(
    datasets,
    drafts.map(({ view }) => view),
    whole,
  );
  return {
    datasets,
    drafts,
    ...(join?.config !== undefined && { join: joinSpec(join.config, file) }),
    problems: whole.problems,
    warnings,
  };
}

type Mapping = Readonly<Record<string, unknown>>;

/** A join may stand beside datasets, whose platform and environment are then its own too, or alone. */
function withoutJoin(root: unknown): { readonly datasets?: unknown; readonly join?: Mapping } {
  if (!isMapping(root) || !Object.hasOwn(root, 'silver_join')) return { datasets: root };
  const { silver_join: section, ...rest } = root;
  const shared = ['config_version', 'environment', 'platform'];
  const isAlone = Object.keys(rest).every((key) => !DATASET_KEYS.includes(key));
  const own: Mapping = isAlone
    ? rest
    : Object.fromEntries(
        Object.entries(rest).flatMap(([key, value]) =>
          shared.includes(key) ? [[key, key === 'platform' ? storageOf(value) : value]] : [],
        ),
      );
  return { ...(!isAlone && { datasets: rest }), join: { ...own, silver_join: section } };
}

/** Of a platform that datasets share, what a join looks at; the rest is checked with them. */
function storageOf(platform: unknown): unknown {
  if (!isMapping(platform)) return platform;
  const pick = (given: Mapping, keys: readonly string[]): Mapping =>
    Object.fromEntries(Object.entries(given).filter(([key]) => keys.includes(key)));
  const { bronze } = platform;
  const picked = pick(platform, PLATFORM_KEYS.platform);
  return isMapping(bronze) ? { ...picked, bronze: pick(bronze, PLATFORM_KEYS.bronze) } : picked;
}

/** One of these makes a file with a join a file with datasets too. */
const DATASET_KEYS = ['datasets', 'sources', 'source', 'system', 'entity', 'bronze', 'silver'];

function viewsOf(root: unknown, report: Report): readonly ConfigView[] {
  if (!isMapping(root)) {
    report.invalid(
      [],
      root === null || root === undefined ? 'the config is empty' : 'a config is a mapping of keys',
    );
    return [];
  }
  const has = (...keys: readonly string[]): boolean => keys.some((key) => Object.hasOwn(root, key));
  if (has('datasets')) return datasetViews(root, report);
  if (has('sources')) return sourceViews(root, report);
  const foreign = ['bronze', 'entity'].find((key) => Object.hasOwn(root, key));
  if (has('platform', 'source') && foreign !== undefined) {
    const dialects = "either 'platform', 'source' and 'silver', or 'system', 'entity', 'bronze' and 'silver'";
    report.invalid([foreign], `two dialects are mixed here; a config has ${dialects}`, 'key');
    return [];
  }
  if (has('platform', 'source')) return [{ dialect: 'classic', root, rebase: (path) => path }];
  if (has('system', 'entity', 'bronze')) return [{ dialect: 'intent', root, rebase: (path) => path }];
  report.invalid(
    [],
    "the config requires 'platform' and 'source', or 'system', 'entity', 'bronze' and 'silver'",
  );
  return [];
}

function readDraft(view: ConfigView, file: string, report: Report): Draft {
  if (view.dialect === 'classic') {
    const { config, partial } = checkShape(classicSchema, view.root, report);
    checkClassic(partial, report);
    const translate = (given: unknown): DatasetSpec => classicSpec(given as ClassicConfig, file);
    return { view, schema: classicSchema, config, translate };
  }
  const { config, partial } = checkShape(intentSchema, view.root, report);
  checkIntent(partial, report);
  const translate = (given: unknown): DatasetSpec => intentSpec(given as IntentConfig, file);
  return { view, schema: intentSchema, config, translate };
}

/** Datasets of one file are addressed by name. */
function refuseSameNames(
  datasets: readonly DatasetSpec[],
  views: readonly ConfigView[],
  report: Report,
): void {
  datasets.forEach((dataset, index) => {
    const first = datasets.findIndex((other) => other.name === dataset.name);
    const view = views[index];
    if (first === index || view === undefined) return;
    report.invalid(
      view.rebase([]),
      `a dataset named ${dataset.name} is in this file already; give each its own name`,
    );
  });
}

/** Several datasets look at the same shared sections: what is wrong at one place is told once. */
function once<T extends ConfigWarning>(findings: readonly T[], what: (finding: T) => string = () => ''): T[] {
  const first = new Map<string, T>();
  for (const finding of findings) {
    const place = `${finding.line}:${finding.column} ${finding.path} ${what(finding)}`;
    if (!first.has(place)) first.set(place, finding);
  }
  return [...first.values()];
}
