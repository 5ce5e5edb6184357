import { fileURLToPath } from 'node:url';
import type { Connections } from '../config/storage/connections.ts';
import { isRemote, type Location, parseLocation } from '../config/storage/location.ts';
import { FoundryError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { localStorage } from './local.ts';
import type { ObjectApi } from './object-api.ts';
import type { ObjectContext } from './object-calls.ts';
import { objectStorage } from './object-storage.ts';
import type { Storage } from './storage.ts';

/** How a base is reached, and the process around it. */
export interface OpenStorageOptions extends Partial<ObjectContext> {
  readonly connections?: Connections | undefined;
}

/**
 * The storage of a base: a folder of a local disk, absolute or relative to the working directory, or `file:///…`;
 * `s3://bucket/prefix`; `az://container/prefix` or `abfss://container@account.dfs.core.windows.net/prefix`.
 * Opens nothing yet.
 *
 * @throws CFG001 for another scheme, or a name that is none.
 */
export function openStorage(base: string, options: OpenStorageOptions = {}): Storage {
  if (!isRemote(base)) return localStorage(base.startsWith('file:') ? fileURLToPath(base) : base);
  const location = placeOf(base);
  const context: ObjectContext = {
    signal: new AbortController().signal,
    warn: () => undefined,
    ...options,
  };
  const uri = base.replace(/\/+$/, '');
  return objectStorage(
    () => openApi(location, options.connections ?? {}),
    { uri, prefix: location.prefix },
    context,
  );
}

/** The storage of one base of a dataset within one run. @throws CFG001 */
export function storageOf(
  base: string,
  { connections }: { readonly connections?: Connections },
  { signal, log }: { readonly signal: AbortSignal; readonly log: Log },
): Storage {
  return openStorage(base, { connections, signal, warn: log.warn, debug: log.debug });
}

type RemoteLocation = Exclude<Location, { type: 'local' }>;

function placeOf(base: string): RemoteLocation {
  const location = parseLocation(base);
  if ('problem' in location) throw new FoundryError('CFG001', `${base}: ${location.problem}`);
  if (location.type === 'local') throw new Error(`${base} is no remote place`);
  return location;
}

/** The drivers, and with them the SDKs, load when the first request is made. */
async function openApi(location: RemoteLocation, { s3, azure }: Connections): Promise<ObjectApi> {
  if (location.type === 's3') {
    const { s3Settings } = await import('./s3-settings.ts');
    const settings = s3Settings(s3 ?? {}, process.env);
    return (await import('./s3.ts')).openS3(location.bucket, settings);
  }
  const { azureSettings } = await import('./azure-settings.ts');
  const settings = azureSettings(azure ?? {}, location.host, process.env);
  return (await import('./azure.ts')).openAzure(location.container, settings);
}
