import { isIP } from 'node:net';
import type { JoinSpec } from '../config/join/spec.ts';
import type { DatasetSpec } from '../config/spec.ts';
import type { Environment } from '../config/storage/connections.ts';
import { isRemote, parseLocation } from '../config/storage/location.ts';
import { Secret } from '../core/secret.ts';
import { s3CredentialsEndpoint, s3Endpoint } from './s3-settings.ts';

/** Which steps of a dataset a run takes. */
export interface TouchedLayers {
  readonly source: boolean;
  readonly bronze: boolean;
  readonly silver: boolean;
}

/** Hosts on the own premises, beside those that can be no others: a comma list; `.example.com` is all below it. */
export const ONPREM_HOSTS = 'FOUNDRY_ONPREM_HOSTS';

/** Names that public DNS does not give out (RFC 6761, 6762, 8375, and ICANN's .internal). */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|corp|home\.arpa|test)$/;
const PRIVATE_IPV4 = /^(?:127|10|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\./;
const PRIVATE_IPV6 = /^(?:::1$|f[cd]|fe[89ab])/;

/**
 * Why a dataset must not run with `--storage-scope onprem`; empty where it may. Nothing is contacted: hosts are judged
 * by their names, and a name that may be anywhere is refused.
 */
export function onpremProblems(
  spec: DatasetSpec,
  touched: TouchedLayers,
  env: Environment,
): readonly string[] {
  return [
    ...metadataProblems(spec),
    ...placesOf(spec, touched, env).flatMap(({ what, place }) => {
      const problem = placeProblem(place, spec, env);
      return problem === undefined ? [] : [`${what} ${problem}`];
    }),
  ];
}

/** As `onpremProblems`, of a join: its sides, its output and its checkpoint. */
export function joinProblems({ left, output, right }: JoinSpec, env: Environment): readonly string[] {
  const places = { 'the left side': left.place, 'the right side': right.place, 'the output': output.place };
  const checkpoint = placeProblem(output.checkpointDir ?? '', output.place, env);
  const around = checkpoint === undefined ? [] : [`the checkpoint ${checkpoint}`];
  const problems = Object.entries(places).flatMap(([what, place]) => {
    const named = place.kind === 'path' ? place.path : (place.base ?? '');
    const own = what === 'the output' && place.kind === 'path' ? undefined : place.remote;
    // A path that is on the local disk today may not be tomorrow: the bucket of the platform counts.
    const found = [named, own ?? ''].flatMap((text) => placeProblem(text, place, env) ?? []);
    return [
      ...(what === 'the output' ? [] : metadataProblems(place)),
      ...found.map((problem) => `${what} ${problem}`),
    ];
  });
  return [...problems, ...around];
}

/** As `onpremProblems`, of one address. */
export function addressProblem(address: string, env: Environment): string | undefined {
  const url = URL.parse(address);
  if (url === null || url.hostname === '') return 'is no address whose host can be judged';
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return isOnprem(host, env) ? undefined : `goes to ${host}, which is not known to be on the own premises`;
}

function metadataProblems({ storageMetadata }: Pick<DatasetSpec, 'storageMetadata'>): string[] {
  const { boundary, providerType, cloudProvider } = storageMetadata ?? {};
  const problems: string[] = [];
  if (boundary !== 'onprem') {
    const found = boundary === undefined ? 'it is missing' : `it is ${boundary}`;
    problems.push(`storage_metadata.boundary must be onprem; ${found}`);
  }
  if (providerType !== undefined && /_cloud$|^azure_/.test(providerType))
    problems.push(`storage_metadata.provider_type is ${providerType}`);
  if (cloudProvider !== undefined) problems.push(`storage_metadata.cloud_provider is ${cloudProvider}`);
  return problems;
}

interface Place {
  readonly what: string;
  /** A folder, the URI of a storage, or an address. */
  readonly place: string;
}

function placesOf(spec: DatasetSpec, touched: TouchedLayers, env: Environment): Place[] {
  const { bronze, silver } = spec;
  return [
    ...(touched.source
      ? addressesIn(bronze.source, env).map((place) => ({ what: 'the source', place }))
      : []),
    ...(touched.bronze ? [{ what: 'Bronze', place: bronze.base }] : []),
    ...(touched.silver && silver !== undefined ? [{ what: 'Silver', place: silver.base }] : []),
  ];
}

function placeProblem(
  place: string,
  spec: Pick<DatasetSpec, 'connections'>,
  env: Environment,
): string | undefined {
  if (!isRemote(place)) return undefined;
  const location = parseLocation(place);
  if ('problem' in location) return addressProblem(place, env);
  if (location.type === 'local') return undefined;
  if (location.type === 'azure') return `lies on Azure: ${place}`;
  const endpoint = s3Endpoint(spec.connections?.s3 ?? {}, env);
  if (endpoint === undefined) return `lies on AWS: ${place} has no endpoint of its own`;
  const problem = addressProblem(endpoint, env);
  if (problem !== undefined) return `${place} ${problem}`;
  const issuer = s3CredentialsEndpoint(spec.connections?.s3 ?? {}, env);
  const asked = issuer === undefined ? undefined : addressProblem(issuer, env);
  return asked === undefined ? undefined : `${place} has no keys, and the request for credentials ${asked}`;
}

/** Every address in a source's settings, also those that variables hold. Secrets are looked at, never told. */
function addressesIn(value: unknown, env: Environment): string[] {
  if (typeof value === 'string') return isRemote(value) ? [value] : [];
  if (value === null || typeof value !== 'object' || value instanceof Secret) return [];
  if ('connectionEnv' in value && typeof value.connectionEnv === 'string')
    return databaseAddress(env[value.connectionEnv]);
  const variable = 'env' in value && typeof value.env === 'string' ? env[value.env] : undefined;
  const named = variable !== undefined && isRemote(variable) ? [variable] : [];
  return [...named, ...Object.values(value).flatMap((member) => addressesIn(member, env))];
}

/**
 * Of a connection string, as far as its host: `postgres://user@host/db`, `Server=tcp:host,1433;…`. One without a host
 * is a socket of this machine. A variable that is not set leads nowhere.
 */
function databaseAddress(connection: string | undefined): string[] {
  if (connection === undefined || connection === '') return [];
  const named = /(?:^|;|\s)(?:server|host|data source|addr|address)\s*=\s*(?:tcp:)?([^,;:\s\\]+)/i.exec(
    connection,
  )?.[1];
  if (isRemote(connection)) {
    const hosts = connection.replace(/^[^:]+:\/\/(?:[^@/]*@)?/, '').split(/[/?]/, 1)[0] ?? '';
    return hosts.split(',').flatMap((host) => (host === '' ? [] : [`db://${host}`]));
  }
  return [named === undefined ? 'db://' : `db://${named}`];
}

function isOnprem(host: string, env: Environment): boolean {
  const version = isIP(host);
  if (version === 4 && PRIVATE_IPV4.test(host)) return true;
  if (version === 6 && PRIVATE_IPV6.test(host)) return true;
  const isNamed = (env[ONPREM_HOSTS] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .some((name) => name !== '' && (name.startsWith('.') ? host.endsWith(name) : host === name));
  return isNamed || (version === 0 && (!host.includes('.') || PRIVATE_NAME.test(host)));
}
