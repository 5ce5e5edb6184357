import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Secret } from '../core/secret.ts';
import { type EnvironmentConfig, environmentSchema } from './environment-schema.ts';
import type { EnvironmentSpec } from './spec.ts';
import { present } from './storage/settings.ts';
import { type ConfigDocument, parseYaml } from './yaml/document.ts';
import { type Environment, isMapping, type SubstitutedText, substitute } from './yaml/environment.ts';
import { ConfigError, type ConfigPath, type ConfigWarning, formatPath } from './yaml/problems.ts';
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
  checkAddress(partial.s3?.endpoint_url, ['s3', 'endpoint_url'], report);
  checkAddress(partial.azure?.account_url, ['azure', 'account_url'], report);
  warnOfSecrets(partial, report);
  if (partial.name !== undefined && partial.name !== name) {
    report.warn(
      ['name'],
      `the file of the environment ${name} names itself ${report.show(['name'], partial.name)}`,
    );
  }
  if (config === undefined || report.problems.length > 0) {
    throw new ConfigError(report.problems, { warnings: report.warnings });
  }
  const unset = problems.map((problem) => formatPath(problem.path));
  return { spec: environmentSpec(config, path, unset), value, warnings: report.warnings, document, origins };
}

function remove(root: unknown, path: ConfigPath): void {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((at, step) => (isMapping(at) ? at[String(step)] : undefined), root);
  if (isMapping(parent)) delete parent[String(path.at(-1))];
}

function checkAddress(address: string | undefined, at: ConfigPath, report: Report): void {
  if (address === undefined || /^https?:$/.test(URL.parse(address)?.protocol ?? '')) return;
  report.invalid(at, `${at.at(-1)} must be an http or https address, got ${report.show(at, address)}`);
}

const SECRETS = {
  s3: ['access_key_id', 'secret_access_key', 'session_token'],
  azure: ['connection_string', 'account_key', 'sas_token', 'client_secret'],
} as const;

function warnOfSecrets(config: Partly<EnvironmentConfig>, report: Report): void {
  for (const section of ['s3', 'azure'] as const) {
    const values: Readonly<Record<string, unknown>> = { ...config[section] };
    for (const key of SECRETS[section]) {
      if (values[key] === undefined || report.originOf([section, key]) !== undefined) continue;
      report.warn(
        [section, key],
        `'${key}' stands in the file as it is; write \${NAME} and set that variable`,
      );
    }
  }
}

function environmentSpec(
  { name, s3, azure }: EnvironmentConfig,
  path: string,
  unset: readonly string[],
): EnvironmentSpec {
  const secret = (value: string | undefined): Secret | undefined =>
    value === undefined ? undefined : new Secret(value);
  const unsetIn = (section: string) => ({ unset: unset.filter((key) => key.startsWith(`${section}.`)) });
  return {
    path: resolve(path),
    name,
    ...(s3 !== undefined && {
      s3: present({
        endpointUrl: s3.endpoint_url,
        accessKeyId: secret(s3.access_key_id),
        secretAccessKey: secret(s3.secret_access_key),
        sessionToken: secret(s3.session_token),
        region: s3.region ?? 'us-east-1',
        pathStyle: s3.path_style,
        profile: s3.profile,
        serverSideEncryption: s3.server_side_encryption,
        kmsKeyId: s3.kms_key_id,
        caFile: s3.ca_file,
        verifySsl: s3.verify_ssl,
        buckets: s3.buckets ?? {},
        ...unsetIn('s3'),
      }),
    }),
    ...(azure !== undefined && {
      azure: present({
        connectionString: secret(azure.connection_string),
        accountName: azure.account_name,
        accountUrl: azure.account_url,
        accountKey: secret(azure.account_key),
        sasToken: secret(azure.sas_token),
        tenantId: azure.tenant_id,
        clientId: azure.client_id,
        clientSecret: secret(azure.client_secret),
        useManagedIdentity: azure.use_managed_identity,
        containers: azure.containers ?? {},
        ...unsetIn('azure'),
      }),
    }),
  };
}
