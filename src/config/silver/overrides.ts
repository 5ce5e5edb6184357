import { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { overrideIntentColumns, overrideIntentModel } from '../intent/overrides.ts';
import { nameProblem } from '../names.ts';
import {
  type ArtifactName,
  COMPRESSIONS,
  LOAD_PATTERNS,
  type LoadPattern,
  type SilverModelName,
  type SilverSpec,
} from '../spec.ts';
import { CLASSIC_MODELS, defaultModel, modelByName } from './models.ts';
import { artifactOf, OUTPUTS, type OutputName, sharedName } from './output-names.ts';
import { modelProblems } from './rules.ts';

/** What the command line lays over a config; absent means as configured. All but `loadPattern` and `bronzeBase` concern Silver. */
export interface Overrides {
  /** Changes the pattern folder and, where the config names no model, the model too. */
  readonly loadPattern?: string;
  readonly bronzeBase?: string;
  readonly silverBase?: string;
  readonly primaryKeys?: readonly string[];
  readonly orderColumn?: string;
  /** A canonical name or an alias. */
  readonly silverModel?: string;
  readonly writeParquet?: boolean;
  readonly writeCsv?: boolean;
  readonly compression?: string;
  readonly requireChecksum?: boolean;
  readonly outputNames?: Readonly<Partial<Record<OutputName, string>>>;
}

const FLAG_OF = {
  primary_keys: '--primary-key',
  order_column: '--order-column',
  delete_mode: 'silver.delete_mode',
} as const;

/**
 * Silver with the flags laid over it. `pattern` is the overridden load pattern, `current` the one in force.
 *
 * @throws USE001 as `applyOverrides`
 */
export function overrideSilver(
  silver: SilverSpec,
  overrides: Overrides,
  pattern: LoadPattern | undefined,
  current: LoadPattern,
): SilverSpec {
  const { entityKind: kind } = silver;
  const keys = overrides.primaryKeys === undefined ? undefined : keysOf(overrides.primaryKeys);
  const orderColumn = overrides.orderColumn?.trim();
  const { modelIsDefault, ...rest } = silver;
  const intent = kind === undefined ? {} : overrideIntentModel(kind, overrides.silverModel);
  const model =
    kind !== undefined || overrides.silverModel === undefined ? intent.model : modelOf(overrides.silverModel);
  const byPattern = modelIsDefault === true && pattern !== undefined ? defaultModel(pattern) : undefined;
  const result: SilverSpec = {
    ...rest,
    ...(modelIsDefault === true && model === undefined && { modelIsDefault }),
    ...intent,
    model: model ?? byPattern ?? silver.model,
    ...(silver.patternFolder !== undefined && pattern !== undefined && { patternFolder: pattern }),
    ...(overrides.silverBase !== undefined && { base: overrides.silverBase }),
    ...(keys !== undefined && { keys }),
    ...(orderColumn !== undefined && { orderColumn }),
    ...(kind !== undefined && overrideIntentColumns(silver, keys, orderColumn)),
    ...(overrides.requireChecksum !== undefined && { requireChecksum: overrides.requireChecksum }),
    artifactNames: {
      ...silver.artifactNames,
      ...artifactNames(model ?? byPattern ?? silver.model, overrides),
    },
    formats: {
      parquet: overrides.writeParquet ?? silver.formats.parquet,
      csv: overrides.writeCsv ?? silver.formats.csv,
      compression: compressionOf(overrides.compression) ?? silver.formats.compression,
    },
  };
  if (!result.formats.parquet && !result.formats.csv) {
    throw usage('no output format is left: Parquet and CSV are both off');
  }
  refuseBrokenModel(result, current);
  const shared = sharedName(result.model, result.artifactNames);
  if (shared !== undefined) {
    throw usage(`both artifacts of the model ${result.model} would be named "${shared}"`);
  }
  return result;
}

function refuseBrokenModel(silver: SilverSpec, pattern: LoadPattern): void {
  if (silver.entityKind !== undefined) return;
  const problems = modelProblems({ ...silver, pattern });
  if (problems.length === 0) return;
  throw usage(problems.map((problem) => `${FLAG_OF[problem.key]} ${problem.message}`).join('; '));
}

export function loadPatternOf(overrides: Overrides): LoadPattern | undefined {
  if (overrides.loadPattern === undefined) return undefined;
  return oneOf(overrides.loadPattern, LOAD_PATTERNS, 'load pattern');
}

function compressionOf(name: string | undefined) {
  return name === undefined ? undefined : oneOf(name, COMPRESSIONS, 'compression');
}

function oneOf<const T extends string>(name: string, options: readonly T[], what: string): T {
  const folded = name.trim().toLowerCase();
  const found = options.find((option) => option === folded);
  if (found !== undefined) return found;
  throw usage(`"${name}" is no ${what}; it must be one of ${options.join(', ')}${didYouMean(name, options)}`);
}

function modelOf(name: string) {
  const model = modelByName(name);
  if (model !== undefined) return model;
  const names = CLASSIC_MODELS.join(', ');
  throw usage(`"${name}" is no Silver model; it must be one of ${names}${didYouMean(name, CLASSIC_MODELS)}`);
}

function keysOf(keys: readonly string[]): readonly string[] {
  const trimmed = keys.map((key) => key.trim()).filter((key) => key !== '');
  const repeated = trimmed.find((key, index) => trimmed.indexOf(key) !== index);
  if (repeated !== undefined) throw usage(`--primary-key names the column "${repeated}" twice`);
  return trimmed;
}

function artifactNames(model: SilverModelName, overrides: Overrides): Partial<Record<ArtifactName, string>> {
  const names: Partial<Record<ArtifactName, string>> = {};
  for (const output of OUTPUTS) {
    const name = overrides.outputNames?.[output];
    if (name === undefined) continue;
    const problem = nameProblem(name);
    if (problem !== undefined) throw usage(`--${output}-output-name ${problem}, got "${name}"`);
    const artifact = artifactOf(model, output);
    if (artifact === undefined) {
      throw usage(`--${output}-output-name has no meaning: the model ${model} writes no such artifact`);
    }
    if (names[artifact] !== undefined && names[artifact] !== name) {
      throw usage(`--${output}-output-name gives the artifact ${artifact} a second name, "${name}"`);
    }
    names[artifact] = name;
  }
  return names;
}

export function usage(message: string): FoundryError {
  return new FoundryError('USE001', message);
}
