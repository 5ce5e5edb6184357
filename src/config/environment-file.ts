import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Secret } from '../core/secret.ts';
import { type EnvironmentConfig, environmentSchema } from './environment-schema.ts';
import type { EnvironmentSpec } from './spec.ts';
import { type ConfigDocument, parseYaml } from './yaml/document.ts';
import { type Environment, isMapping, type SubstitutedText, substitute } from './yaml/environment.ts';
import { ConfigError, type ConfigPath, type ConfigWarning } from './yaml/problems.ts';
import { readText } from './yaml/read-text.ts';
import { createReport, type Report } from './yaml/report.ts';
import { checkShape, type Partly } from './yaml/validate.ts';

export interface ReadEnvironment {
  readonly spec: EnvironmentSpec;
  /** What the file says, after substitution. */
  readonly value: unknown;
  readonly warnings: readonly ConfigWarning[];
  readonly document: Pick<ConfigDocument, 'locate'>;
  readonly origins: ReadonlyMap<string, SubstitutedText>;
}

export interface EnvironmentPlace {
  /** Where the file is, or would be. */
  readonly path: string;
  readonly exists: boolean;
  /** Whether there is a folder of environments at all. */
  readonly hasFolder: boolean;
}

/** `environments/<name>.yaml` beside the config's folder, or where there is no such folder, in the working directory. */
export async function findEnvironment(name: string, configPath: string): Promise<EnvironmentPlace> {
  const beside = join(dirname(configPath), '..', 'environments');
  const hasBeside = (await stat(beside).catch(() => undefined))?.isDirectory() === true;
  const folder = hasBeside ? beside : 'environments';
  const hasFolder = hasBeside || (await stat(folder).catch(() => undefined))?.isDirectory() === true;
  const path = join(folder, `${name}.yaml`);
  const exists = (await stat(path).catch(() => undefined)) !== undefined;
  return { path, exists, hasFolder };
}

/**
 * Reads the file of an environment. A variable that is not set leaves its value out with a warning: a run that
 * does not reach that storage does not need it. Nothing is put into the environment of the process.
 *
 * @throws ConfigError (CFG001) with all problems of that file.
 */
export async function readEnvironment(
  path: string,
  name: string,
  env: Environment,
): Promise<ReadEnvironment> {
  const parsed = parseYaml(await readText(path));
  if ('problems' in parsed) {
    throw new ConfigError(
      parsed.problems.map((problem) => ({ ...problem, code: 'CFG001' as const, file: path, path: '' })),
    );
  }
  const { document } = parsed;
  const { value, origins, problems } = substitute(document.value, env);
  const report = createReport(path, document, origins);
  for (const unset of problems) {
    report.warn(unset.path, `${unset.message}; the setting is left out`);
    remove(value, unset.path);
  }
  if (!isMapping(value)) {
    report.invalid(
      [],
      value === null || value === undefined ? 'the file is empty' : 'it must be a mapping of keys',
    );
    throw new ConfigError(report.problems);
  }
  const { config, partial } = checkShape(environmentSchema, value, report);
  checkS3(partial.s3, report);
  if (partial.name !== undefined && partial.name !== name) {
    report.warn(
      ['name'],
      `the file of the environment ${name} names itself ${report.show(['name'], partial.name)}`,
    );
  }
  if (config === undefined || report.problems.length > 0) {
    throw new ConfigError(report.problems, { warnings: report.warnings });
  }
  return { spec: environmentSpec(config, path), value, warnings: report.warnings, document, origins };
}

function remove(root: unknown, path: ConfigPath): void {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((at, step) => (isMapping(at) ? at[String(step)] : undefined), root);
  if (isMapping(parent)) delete parent[String(path.at(-1))];
}

function checkS3(s3: Partly<EnvironmentConfig>['s3'], report: Report): void {
  if (s3?.endpoint_url !== undefined && !/^https?:$/.test(URL.parse(s3.endpoint_url)?.protocol ?? '')) {
    const at = ['s3', 'endpoint_url'];
    report.invalid(
      at,
      `endpoint_url must be an http or https address, got ${report.show(at, s3.endpoint_url)}`,
    );
  }
  for (const key of ['access_key_id', 'secret_access_key'] as const) {
    if (s3?.[key] === undefined || report.originOf(['s3', key]) !== undefined) continue;
    report.warn(['s3', key], `'${key}' stands in the file as it is; write \${NAME} and set that variable`);
  }
}

function environmentSpec({ name, s3, azure }: EnvironmentConfig, path: string): EnvironmentSpec {
  return {
    path: resolve(path),
    name,
    ...(s3 !== undefined && {
      s3: {
        ...(s3.endpoint_url !== undefined && { endpointUrl: s3.endpoint_url }),
        ...(s3.access_key_id !== undefined && { accessKeyId: new Secret(s3.access_key_id) }),
        ...(s3.secret_access_key !== undefined && { secretAccessKey: new Secret(s3.secret_access_key) }),
        region: s3.region ?? 'us-east-1',
        buckets: s3.buckets ?? {},
      },
    }),
    ...(azure !== undefined && {
      azure: Object.fromEntries(Object.entries(azure).map(([key, value]) => [key, new Secret(value)])),
    }),
  };
}
