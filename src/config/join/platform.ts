import type * as v from 'valibot';
import { bucketProblem, containerProblem, prefixProblem } from '../storage/location.ts';
import { remoteBase } from '../storage/place.ts';
import { checkConnections, connectionsPart, storageMetadataPart } from '../storage/settings.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { JoinConfig, SideConfig } from './schema.ts';
import type { JoinReach } from './spec.ts';

export type Platform = NonNullable<JoinConfig['platform']>;
type SidePlatform = NonNullable<SideConfig['platform']>;
type Bronze = NonNullable<Platform['bronze']>;

const CHECKS = {
  s3_bucket: bucketProblem,
  azure_container: containerProblem,
  s3_prefix: prefixProblem,
  azure_prefix: prefixProblem,
} as const;

/** Reports names that are none. @param at of the platform */
export function checkPlatform(
  platform: Partly<Platform> | Partly<SidePlatform> | undefined,
  at: ConfigPath,
  report: Report,
): void {
  if (platform === undefined) return;
  checkConnections(platform, at, report);
  const places: readonly (readonly [Partly<Bronze>, ConfigPath])[] = [
    [platform.bronze ?? {}, [...at, 'bronze']],
    [platform as Partly<Bronze>, at],
  ];
  for (const [bronze, where] of places) {
    for (const [key, problemOf] of Object.entries(CHECKS)) {
      const value = bronze[key as keyof typeof CHECKS];
      const problem = value === undefined ? undefined : problemOf(value);
      if (problem !== undefined)
        report.invalid([...where, key], `${report.show([...where, key], value)}: ${problem}`);
    }
  }
}

/** Reports a backend without its bucket or container. @param at of the side, or of the platform */
export function checkReach(platform: Partly<Platform>, at: ConfigPath, report: Report): void {
  const bronze = platform.bronze ?? {};
  const backend = bronze.storage_backend;
  const needed = backend === 's3' ? 's3_bucket' : backend === 'azure' ? 'azure_container' : undefined;
  if (needed === undefined || bronze[needed] !== undefined || report.isMuted([...at, needed])) return;
  report.invalid(at, `the backend ${backend} requires '${needed}'`, 'key');
}

/** The platform of one side: the shared one, with the side's own keys laid over it. */
export function sidePlatform(
  shared: Partly<Platform> | undefined,
  own: Partly<SidePlatform> | undefined,
): Partly<Platform> {
  if (own === undefined) return shared ?? {};
  const { azure_connection: azure, bronze, s3_connection: s3, ...bare } = own;
  const s3Connection = s3 ?? shared?.s3_connection;
  const azureConnection = azure ?? shared?.azure_connection;
  return {
    bronze: { ...shared?.bronze, ...bare, ...bronze },
    ...(s3Connection !== undefined && { s3_connection: s3Connection }),
    ...(azureConnection !== undefined && { azure_connection: azureConnection }),
  };
}

/** How places are reached by a platform. */
export function reachOf(platform: Partly<Platform>): JoinReach {
  const remote = remoteOf(platform.bronze ?? {});
  return {
    ...(remote !== undefined && { remote }),
    ...connectionsPart(platform as v.InferOutput<never> & Platform),
    ...storageMetadataPart((platform as Platform).bronze?.storage_metadata),
  };
}

function remoteOf(bronze: Partly<Bronze>): string | undefined {
  const { azure_container: container, s3_bucket: bucket, storage_backend: backend } = bronze;
  if (backend === 'local') return undefined;
  if (bucket !== undefined && backend !== 'azure') return remoteBase('s3', bucket, bronze.s3_prefix);
  return container === undefined ? undefined : remoteBase('azure', container, bronze.azure_prefix);
}
