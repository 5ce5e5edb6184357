import { ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity';
import type { AzureIdentity } from './azure-settings.ts';

/** Loaded only where a config asks for an identity: the package is large. */
export function openIdentity(
  identity: AzureIdentity,
): ClientSecretCredential | ManagedIdentityCredential | DefaultAzureCredential {
  switch (identity.type) {
    case 'secret':
      return new ClientSecretCredential(identity.tenantId, identity.clientId, identity.secret);
    case 'managed':
      return identity.clientId === undefined
        ? new ManagedIdentityCredential()
        : new ManagedIdentityCredential({ clientId: identity.clientId });
    case 'default':
      return new DefaultAzureCredential();
  }
}
