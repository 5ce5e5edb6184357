import { nameProblem } from './names.ts';
import { defaultModel } from './silver/models.ts';
import { loadPatternOf, type Overrides, overrideSilver, usage } from './silver/overrides.ts';
import { type DatasetSpec, LOAD_PATTERNS, type LoadPattern, type SilverSpec } from './spec.ts';

interface BronzeFolders {
  readonly environment?: string;
  readonly system: string;
  readonly table: string;
  readonly pattern: LoadPattern;
}

/**
 * Silver of a Bronze partition without any config: domain and entity are the `system=` and `table=` folders of
 * its path, the load pattern is its `pattern=` folder unless a flag says otherwise.
 *
 * @throws USE001 when the path has no such folders, --silver-base is missing, or the model lacks keys.
 */
export function adHocSilverSpec(bronzePath: string, overrides: Overrides): SilverSpec {
  const { system, table, pattern: found } = foldersOf(bronzePath);
  if (overrides.silverBase === undefined) {
    throw usage('--silver-base is required beside --bronze-path when there is no --config');
  }
  const asked = loadPatternOf(overrides);
  const pattern = asked ?? found;
  const bare: SilverSpec = {
    enabled: true,
    base: overrides.silverBase,
    domain: system,
    entity: table,
    version: 1,
    loadPartitionName: 'load_date',
    inputScope: 'partition',
    model: defaultModel(pattern),
    modelIsDefault: true,
    artifactNames: {},
    keys: [],
    deleteMode: 'ignore',
    keepTombstones: false,
    collapseUnchanged: false,
    partitioning: { columns: [], keepColumns: false },
    formats: { parquet: true, csv: false, compression: 'snappy' },
    requireChecksum: false,
    errorHandling: { enabled: false, maxBadRecords: 0, maxBadPercent: 0 },
    allowEmpty: false,
  };
  return overrideSilver(bare, overrides, asked, pattern);
}

/** `adHocSilverSpec` as a dataset whose Bronze is there already and is not landed again. */
export function adHocSilver(bronzePath: string, overrides: Overrides): DatasetSpec {
  const { environment, system, table, pattern } = foldersOf(bronzePath);
  return {
    name: `${system}.${table}`,
    configPath: '',
    ...(environment !== undefined && { environment }),
    bronze: {
      enabled: false,
      system,
      table,
      source: {
        type: 'file',
        path: bronzePath,
        configFolder: '.',
        encoding: 'utf-8',
        quote: '"',
        hasHeader: true,
        nullValues: [],
        types: 'text',
      },
      loadPattern: loadPatternOf(overrides) ?? pattern,
      base: overrides.bronzeBase ?? './output',
      partition: { strategy: 'date', timezone: 'UTC' },
      formats: { parquet: true, csv: false, compression: 'snappy' },
      allowEmpty: false,
    },
    silver: adHocSilverSpec(bronzePath, overrides),
  };
}

function foldersOf(bronzePath: string): BronzeFolders {
  const values = new Map<string, string>();
  for (const folder of bronzePath.split(/[/\\]/)) {
    const match = /^(env|system|table|pattern)=(.*)$/s.exec(folder);
    if (match?.[1] !== undefined) values.set(match[1], decode(match[2] ?? ''));
  }
  const named = (key: string): string => {
    const value = values.get(key);
    if (value !== undefined && nameProblem(value) === undefined) return value;
    throw usage(
      `the path ${bronzePath} has no ${key}= folder; name a Bronze partition such as output/system=shop/table=orders/pattern=full/dt=2025-01-05`,
    );
  };
  // Some versions of the original named the folder `pattern=LoadPattern.CDC`.
  const folder = values
    .get('pattern')
    ?.replace(/^LoadPattern\./, '')
    .toLowerCase();
  const environment = values.get('env');
  return {
    ...(environment !== undefined && nameProblem(environment) === undefined && { environment }),
    system: named('system'),
    table: named('table'),
    pattern: LOAD_PATTERNS.find((pattern) => pattern === folder) ?? 'full',
  };
}

/** Folder values may be percent-encoded the Hive way; one that only looks so is taken as it is. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
