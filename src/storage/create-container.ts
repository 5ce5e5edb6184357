import type { Connections } from '../config/storage/connections.ts';
import { isRemote, parseLocation } from '../config/storage/location.ts';
import type { Log } from '../core/log.ts';
import { objectCalls } from './object-calls.ts';

/**
 * Creates the Azure container of a base where it is missing; every other place is left alone.
 * @returns its name, and whether it was missing; undefined for a place that is not in Azure.
 * @throws STG001, AUTH001, RETRY001; CFG001.
 */
export async function createContainer(
  { base, connections }: { readonly base: string; readonly connections?: Connections },
  { signal, log }: { readonly signal: AbortSignal; readonly log: Log },
): Promise<{ readonly container: string; readonly isNew: boolean } | undefined> {
  const location = isRemote(base) ? parseLocation(base) : undefined;
  if (location === undefined || 'problem' in location || location.type !== 'azure') return undefined;
  const { azureSettings } = await import('./azure-settings.ts');
  const { openAzure } = await import('./azure.ts');
  const api = await openAzure(
    location.container,
    azureSettings(connections?.azure ?? {}, location.host, process.env),
  );
  const { call } = objectCalls(api, () => base, { signal, warn: log.warn });
  const isNew = await call('create', '', (own) => api.createContainer(own));
  if (isNew) log.info(`created the container ${location.container}`);
  return { container: location.container, isNew };
}
