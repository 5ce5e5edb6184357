import * as v from 'valibot';
import { derivedPaths, environment, leftOut, version } from './file/schema.ts';
import { isMapping } from './yaml/environment.ts';
import type { ConfigPath } from './yaml/problems.ts';
import type { Report } from './yaml/report.ts';
import * as kit from './yaml/schema-kit.ts';
import { checkShape } from './yaml/validate.ts';

/** One dataset of a file, as if it were a file of its own. */
export interface ConfigView {
  readonly dialect: 'classic' | 'intent';
  readonly root: Readonly<Record<string, unknown>>;
  /** From a path of `root` to the path of the file where that value really stands. */
  readonly rebase: (path: ConfigPath) => ConfigPath;
}

/** Only the frame: what the entries hold is checked one by one, in the dialect's own schema. */
const sourcesFrame = kit.section({
  config_version: version,
  environment,
  path_structure: kit.optional('Shared by all entries.', kit.anyMapping),
  platform: kit.required('Shared by all entries.', kit.anyMapping),
  silver: kit.optional('Shared by all entries.', kit.anyMapping),
  sources: kit.required(
    'The entries.',
    v.array(
      kit.section({
        name: kit.optional('Name of the dataset.', kit.text),
        source: kit.required('What is read.', kit.anyMapping),
        silver: kit.optional('Laid over the shared section, key by key.', kit.anyMapping),
        derived_paths: derivedPaths,
      }),
      'must be a list',
    ),
  ),
});

const EACH_ITS_OWN = 'each of the datasets names its own';

const datasetsFrame = kit.section({
  config_version: version,
  environment,
  domain: kit.optional('Domain of the entries that name none.', kit.text),
  system: kit.optional('Label.', v.unknown(), { obsolete: EACH_ITS_OWN }),
  entity: kit.optional('Label.', v.unknown(), { obsolete: EACH_ITS_OWN }),
  ...leftOut,
  datasets: kit.required('The entries.', v.array(kit.anyMapping, 'must be a list')),
});

/** A classic file with `sources`: `platform` is shared, each entry's `silver` is laid over the shared one. */
export function sourceViews(root: Readonly<Record<string, unknown>>, report: Report): readonly ConfigView[] {
  const { source: _source, ...frame } = root;
  if (Object.hasOwn(root, 'source')) {
    report.invalid(['source'], "'source' and 'sources' exclude each other; move it into the list", 'key');
  }
  checkShape(sourcesFrame, frame, report);
  const shared = isMapping(root.silver) ? root.silver : undefined;
  return entriesOf(root, 'sources', report).map(({ entry, index }) => {
    const own = isMapping(entry.silver) ? entry.silver : undefined;
    const isNamed = isMapping(entry.source) && entry.name !== undefined && entry.name !== null;
    return {
      dialect: 'classic',
      root: {
        ...pick(root, ['config_version', 'environment', 'path_structure', 'platform']),
        source: isNamed ? { ...(entry.source as object), config_name: entry.name } : entry.source,
        ...((shared !== undefined || own !== undefined) && { silver: { ...shared, ...own } }),
      },
      rebase: (path) => {
        const [section, key] = path;
        if (section === 'source' && key === 'config_name' && isNamed) return ['sources', index, 'name'];
        if (section === 'source') return ['sources', index, ...path];
        if (section !== 'silver') return section === undefined ? ['sources', index] : path;
        const isShared =
          shared !== undefined &&
          Object.hasOwn(shared, String(key)) &&
          !Object.hasOwn(own ?? {}, String(key));
        return isShared || (own === undefined && shared !== undefined) ? path : ['sources', index, ...path];
      },
    };
  });
}

/** An intent file with `datasets`: each entry is an intent; `environment` and `domain` may stand above them. */
export function datasetViews(root: Readonly<Record<string, unknown>>, report: Report): readonly ConfigView[] {
  checkShape(datasetsFrame, root, report);
  const defaults = pick(root, ['config_version', 'environment', 'domain']);
  return entriesOf(root, 'datasets', report).map(({ entry, index }) => ({
    dialect: 'intent',
    root: { ...defaults, ...entry },
    rebase: (path) => {
      const key = String(path[0]);
      const isDefault = Object.hasOwn(defaults, key) && !Object.hasOwn(entry, key);
      return isDefault ? path : ['datasets', index, ...path];
    },
  }));
}

function entriesOf(root: Readonly<Record<string, unknown>>, key: string, report: Report) {
  const list = root[key];
  if (!Array.isArray(list)) return [];
  if (list.length === 0) report.invalid([key], `${key} must not be empty`);
  return list.flatMap((entry: unknown, index) => (isMapping(entry) ? [{ entry, index }] : []));
}

function pick(root: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(root, key)).map((key) => [key, root[key]]));
}
