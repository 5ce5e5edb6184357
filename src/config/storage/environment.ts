import type { Secret } from '../../core/secret.ts';
import type { DatasetSpec, EnvironmentSpec } from '../spec.ts';
import type { Connections, Reference } from './connections.ts';
import { present } from './settings.ts';

/**
 * A dataset in its environment: the file's bucket names in the place of the names that configs use, and its
 * connections below the config's own.
 */
export function inEnvironment(spec: DatasetSpec, environment: EnvironmentSpec): DatasetSpec {
  const real = (place: string): string => realPlace(place, environment);
  const { bronze, silver } = spec;
  const connections = mergedConnections(connectionsOf(environment), spec.connections);
  return {
    ...spec,
    environmentFile: environment,
    ...(connections !== undefined && { connections }),
    bronze: {
      ...bronze,
      base: real(bronze.base),
      source:
        bronze.source.type === 'file' ? { ...bronze.source, path: real(bronze.source.path) } : bronze.source,
    },
    ...(silver !== undefined && { silver: { ...silver, base: real(silver.base) } }),
  };
}

/** `s3://name/…` or `az://name/…` with the real bucket or container. */
export function realPlace(place: string, { s3, azure }: EnvironmentSpec): string {
  const match = /^(s3|az|azblob):\/\/([^/]+)(.*)$/s.exec(place);
  const [, scheme, name = '', rest = ''] = match ?? [];
  const names = (scheme === 's3' ? s3?.buckets : azure?.containers) ?? {};
  const real = match === null || !Object.hasOwn(names, name) ? undefined : names[name];
  return real === undefined ? place : `${scheme}://${real}${rest}`;
}

export function mergedConnections(
  below: Connections | undefined,
  above: Connections | undefined,
): Connections | undefined {
  if (below === undefined || above === undefined) return above ?? below;
  return {
    ...((below.s3 !== undefined || above.s3 !== undefined) && { s3: { ...below.s3, ...above.s3 } }),
    ...((below.azure !== undefined || above.azure !== undefined) && {
      azure: { ...below.azure, ...above.azure },
    }),
  };
}

export function connectionsOf({ s3, azure }: EnvironmentSpec): Connections | undefined {
  if (s3 === undefined && azure === undefined) return undefined;
  return {
    ...(s3 !== undefined && {
      s3: present({
        endpointUrl: s3.endpointUrl,
        region: s3.region,
        pathStyle: s3.pathStyle,
        accessKeyId: reference(s3.accessKeyId),
        secretAccessKey: reference(s3.secretAccessKey),
        sessionToken: reference(s3.sessionToken),
        profile: s3.profile,
        encryption: s3.serverSideEncryption,
        kmsKeyId: s3.kmsKeyId,
        caFile: s3.caFile,
        verifySsl: s3.verifySsl,
        unset: s3.unset,
      }),
    }),
    ...(azure !== undefined && {
      azure: present({
        connectionString: reference(azure.connectionString),
        accountName: literal(azure.accountName),
        accountUrl: azure.accountUrl,
        accountKey: reference(azure.accountKey),
        sasToken: reference(azure.sasToken),
        tenantId: literal(azure.tenantId),
        clientId: literal(azure.clientId),
        clientSecret: reference(azure.clientSecret),
        useManagedIdentity: azure.useManagedIdentity,
        unset: azure.unset,
      }),
    }),
  };
}

function reference(secret: Secret | undefined): Reference | undefined {
  return secret === undefined ? undefined : { secret };
}

function literal(value: string | undefined): Reference | undefined {
  return value === undefined ? undefined : { value };
}
