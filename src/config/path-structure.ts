import type * as v from 'valibot';
import { BRONZE_FOLDERS } from './names.ts';
import { checkPartitionName } from './rules.ts';
import type { BronzePathKeys, SilverPathKeys } from './spec.ts';
import type { ConfigPath } from './yaml/problems.ts';
import type { Report } from './yaml/report.ts';
import * as kit from './yaml/schema-kit.ts';
import type { Partly } from './yaml/validate.ts';

const SAMPLES = 'it named folders of sample data only';
const name = (folder: string, fallback: string) =>
  kit.optional(`Name of the \`${fallback}\` folder of ${folder}.`, kit.text, { fallback: `\`${fallback}\`` });
const sampleKey = kit.optional('Label of sample data.', kit.text, { obsolete: SAMPLES });

const bronzeKeys = {
  system_key: name('Bronze', 'system'),
  entity_key: name('Bronze', 'table'),
  pattern_key: name('Bronze', 'pattern'),
  date_key: name('Bronze', 'dt'),
} as const;

const silverKeys = {
  domain_key: name('Silver', 'domain'),
  load_date_key: kit.optional('Same as `silver.load_partition_name`.', kit.text, { fallback: '`load_date`' }),
  version_key: kit.optional('What stands before the version in its folder.', kit.text, { fallback: '`v`' }),
  sample_key: sampleKey,
  silver_model_key: sampleKey,
} as const;

/** Both spellings of the original: the keys of each layer in a section of its own, or all of them flat. */
export const pathStructure = kit.optional(
  'Other names for the partition folders.',
  kit.section({
    ...bronzeKeys,
    ...silverKeys,
    bronze: kit.optional('Names in Bronze.', kit.section(bronzeKeys)),
    silver: kit.optional(
      'Names in Silver.',
      kit.section({
        ...silverKeys,
        entity_key: name('Silver', 'entity'),
        pattern_key: name('Silver', 'pattern'),
      }),
    ),
  }),
);

export type PathStructure = v.InferOutput<typeof pathStructure>;
type Given = Partly<NonNullable<PathStructure>> | undefined;

const AT: ConfigPath = ['path_structure'];
const BRONZE_NAMES = ['system_key', 'entity_key', 'pattern_key', 'date_key'] as const;
const SILVER_NAMES = ['domain_key', 'entity_key', 'version_key', 'pattern_key', 'load_date_key'] as const;
/** What a flat key means for Silver; `entity_key` and `pattern_key` are Bronze's there. */
const FLAT_SILVER_NAMES = ['domain_key', 'version_key', 'load_date_key'] as const;

/** Reports names that cannot be folders, are given twice, or would not tell one folder from another. */
export function checkPathStructure(
  given: Given,
  silver: { readonly load_partition_name?: string | undefined } | undefined,
  report: Report,
): void {
  if (given === undefined) return;
  for (const key of [...BRONZE_NAMES, ...FLAT_SILVER_NAMES])
    checkPartitionName(given[key], [...AT, key], report);
  for (const key of BRONZE_NAMES) checkPartitionName(given.bronze?.[key], [...AT, 'bronze', key], report);
  for (const key of SILVER_NAMES) checkPartitionName(given.silver?.[key], [...AT, 'silver', key], report);
  for (const [layer, keys] of [
    ['bronze', BRONZE_NAMES],
    ['silver', FLAT_SILVER_NAMES],
  ] as const) {
    for (const key of keys) {
      const [flat, own] = [given[key], (given[layer] as Record<string, unknown> | undefined)?.[key]];
      if (flat === undefined || own === undefined) continue;
      report.invalid(
        [...AT, key],
        `path_structure.${layer}.${key} says this already; keep one of them`,
        'key',
      );
    }
  }
  const loadDate = loadDateKey(given);
  if (loadDate !== undefined && silver?.load_partition_name !== undefined) {
    report.invalid(
      [...AT, ...(given.silver?.load_date_key === undefined ? [] : ['silver']), 'load_date_key'],
      'silver.load_partition_name says this already; keep one of them',
      'key',
    );
  }
  const bronze = bronzePathKeys(given);
  if (bronze !== undefined) refuseSame([...Object.values(bronze), ...BRONZE_FOLDERS], 'Bronze', report);
  const keys = silverPathKeys(given);
  if (keys !== undefined) {
    const partition = loadDate ?? silver?.load_partition_name ?? 'load_date';
    refuseSame([keys.domain, keys.entity, keys.pattern, partition, 'env'], 'Silver', report);
  }
}

function refuseSame(names: readonly string[], layer: string, report: Report): void {
  const twice = names.find((candidate, index) => names.indexOf(candidate) !== index);
  if (twice === undefined) return;
  report.invalid(AT, `two folders of ${layer} would both be named ${JSON.stringify(twice)}`, 'key');
}

/** What of a Bronze spec follows from `path_structure`. */
export function bronzePathPart(given: Given): { readonly pathKeys?: BronzePathKeys } {
  const pathKeys = bronzePathKeys(given);
  return pathKeys === undefined ? {} : { pathKeys };
}

/** What of a Silver spec follows from `path_structure`. */
export function silverPathPart(given: Given): {
  readonly pathKeys?: SilverPathKeys;
  readonly loadPartitionName?: string;
} {
  const [pathKeys, loadPartitionName] = [silverPathKeys(given), loadDateKey(given)];
  return {
    ...(pathKeys !== undefined && { pathKeys }),
    ...(loadPartitionName !== undefined && { loadPartitionName }),
  };
}

/** Undefined when nothing is renamed. */
function bronzePathKeys(given: Given): BronzePathKeys | undefined {
  const pick = (key: (typeof BRONZE_NAMES)[number]) => given?.bronze?.[key] ?? given?.[key];
  if (BRONZE_NAMES.every((key) => pick(key) === undefined)) return undefined;
  return {
    system: pick('system_key') ?? 'system',
    table: pick('entity_key') ?? 'table',
    pattern: pick('pattern_key') ?? 'pattern',
    dt: pick('date_key') ?? 'dt',
  };
}

/** Undefined when nothing is renamed. */
function silverPathKeys(given: Given): SilverPathKeys | undefined {
  const { silver } = given ?? {};
  const [domain, version] = [
    silver?.domain_key ?? given?.domain_key,
    silver?.version_key ?? given?.version_key,
  ];
  const { entity_key: entity, pattern_key: pattern } = silver ?? {};
  if ([domain, version, entity, pattern].every((key) => key === undefined)) return undefined;
  return {
    domain: domain ?? 'domain',
    entity: entity ?? 'entity',
    versionPrefix: version ?? 'v',
    pattern: pattern ?? 'pattern',
  };
}

/** Another spelling of `silver.load_partition_name`. */
function loadDateKey(given: Given): string | undefined {
  return given?.silver?.load_date_key ?? given?.load_date_key;
}
