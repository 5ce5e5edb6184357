import {
  type AzureConnection,
  type Environment,
  referenceName,
  refuseUnset,
  resolveReference,
} from '../config/storage/connections.ts';
import { FoundryError } from '../core/errors.ts';

/** What an Azure client is opened with. */
export type AzureSettings = { readonly accountUrl: string } & (
  | { readonly kind: 'key'; readonly account: string; readonly key: string }
  | { readonly kind: 'sas'; readonly token: string }
  | { readonly kind: 'identity'; readonly identity: AzureIdentity }
);

/** Who @azure/identity is to be. */
export type AzureIdentity =
  | { readonly type: 'secret'; readonly tenantId: string; readonly clientId: string; readonly secret: string }
  | { readonly type: 'managed'; readonly clientId?: string }
  | { readonly type: 'default' };

const CONNECTION_STRING = 'AZURE_STORAGE_CONNECTION_STRING';

/**
 * The connection with its variables looked up.
 *
 * @param host of an `abfss://` URI, which names the account.
 * @throws AUTH001 when the variables name no way in; CFG001 when the URI is of another account.
 */
export function azureSettings(
  connection: AzureConnection,
  host: string | undefined,
  env: Environment,
): AzureSettings {
  refuseUnset(connection.unset);
  const text = resolveReference(connection.connectionString ?? { env: CONNECTION_STRING }, env);
  if (text !== undefined) return fromConnectionString(text, host);
  if (connection.connectionString !== undefined && !hasOtherWay(connection)) {
    throw missing(referenceName(connection.connectionString, 'the connection string'));
  }
  const accountUrl = accountUrlOf(connection, host, env);
  const account = new URL(accountUrl).host.split('.', 1)[0] ?? '';
  const key = resolveReference(connection.accountKey ?? { env: 'AZURE_STORAGE_KEY' }, env);
  if (key !== undefined) return { accountUrl, kind: 'key', account: nameOf(connection, env) ?? account, key };
  const token = resolveReference(connection.sasToken ?? { env: 'AZURE_STORAGE_SAS_TOKEN' }, env);
  if (token !== undefined) return { accountUrl, kind: 'sas', token: token.replace(/^\?/, '') };
  return { accountUrl, kind: 'identity', identity: identityOf(connection, env) };
}

function hasOtherWay({ accountName, accountUrl }: AzureConnection): boolean {
  return accountName !== undefined || accountUrl !== undefined;
}

function nameOf(connection: AzureConnection, env: Environment): string | undefined {
  return resolveReference(connection.accountName ?? { env: 'AZURE_STORAGE_ACCOUNT' }, env);
}

function accountUrlOf(connection: AzureConnection, host: string | undefined, env: Environment): string {
  const name = nameOf(connection, env);
  if (host !== undefined) {
    refuseOtherAccount(host, name);
    return connection.accountUrl ?? `https://${host.replace('.dfs.', '.blob.')}`;
  }
  if (connection.accountUrl !== undefined) return connection.accountUrl.replace(/\/+$/, '');
  if (name !== undefined) return `https://${name}.blob.core.windows.net`;
  throw missing(referenceName(connection.accountName, 'AZURE_STORAGE_ACCOUNT'));
}

function refuseOtherAccount(host: string, name: string | undefined): void {
  const account = host.split('.', 1)[0];
  if (name === undefined || name === account) return;
  throw new FoundryError('CFG001', `the URI names the Azure account ${account}, the connection ${name}`, {
    hint: 'Write az://<container>/<path>, which takes the account of the connection, or name one account.',
  });
}

function missing(variable: string): FoundryError {
  return new FoundryError('AUTH001', `nothing says which Azure account to use: ${variable} is not set`, {
    details: { backend_type: 'azure', env_var: variable },
    hint: 'Set connection_string_env, or account_name_env with a key, a SAS or an identity, and its variables.',
  });
}

/** `AccountName=…;AccountKey=…` or `BlobEndpoint=…;SharedAccessSignature=…`, as Azure's portal gives them. */
function fromConnectionString(text: string, host: string | undefined): AzureSettings {
  const parts = new Map(
    text
      .split(';')
      .filter((part) => part.includes('='))
      .map((part) => [
        part.slice(0, part.indexOf('=')).trim().toLowerCase(),
        part.slice(part.indexOf('=') + 1),
      ]),
  );
  if (parts.get('usedevelopmentstorage') === 'true') return fromConnectionString(DEVELOPMENT, host);
  const account = parts.get('accountname') ?? '';
  if (host !== undefined) refuseOtherAccount(host, account === '' ? undefined : account);
  const protocol = parts.get('defaultendpointsprotocol') ?? 'https';
  const suffix = parts.get('endpointsuffix') ?? 'core.windows.net';
  const accountUrl = (parts.get('blobendpoint') ?? `${protocol}://${account}.blob.${suffix}`).replace(
    /\/+$/,
    '',
  );
  const token = parts.get('sharedaccesssignature');
  const key = parts.get('accountkey');
  if (URL.parse(accountUrl) !== null) {
    if (token !== undefined) return { accountUrl, kind: 'sas', token: token.replace(/^\?/, '') };
    if (key !== undefined && account !== '') return { accountUrl, kind: 'key', account, key };
  }
  throw new FoundryError(
    'AUTH001',
    'the Azure connection string has no AccountName with AccountKey, and no BlobEndpoint with SharedAccessSignature',
    { details: { backend_type: 'azure' } },
  );
}

/** Azurite's, which is the same everywhere. */
const DEVELOPMENT =
  'AccountName=devstoreaccount1;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;' +
  'AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

function identityOf(connection: AzureConnection, env: Environment): AzureIdentity {
  const clientId = resolveReference(connection.clientId, env);
  if (connection.useManagedIdentity === true) {
    return { type: 'managed', ...(clientId !== undefined && { clientId }) };
  }
  const asked = [connection.tenantId, connection.clientId, connection.clientSecret];
  if (asked.every((reference) => reference === undefined)) return { type: 'default' };
  const tenantId = resolveReference(connection.tenantId, env);
  const secret = resolveReference(connection.clientSecret, env);
  if (tenantId === undefined || clientId === undefined || secret === undefined) {
    const unset = [
      tenantId === undefined && referenceName(connection.tenantId, 'tenant_id_env'),
      clientId === undefined && referenceName(connection.clientId, 'client_id_env'),
      secret === undefined && referenceName(connection.clientSecret, 'client_secret_env'),
    ].filter((name) => name !== false);
    throw new FoundryError('AUTH001', `the service principal lacks ${unset.join(', ')}`, {
      details: { backend_type: 'azure', env_var: unset[0] },
      hint: 'A service principal needs its tenant, its client id and its secret, each in a variable that is set.',
    });
  }
  return { type: 'secret', tenantId, clientId, secret };
}
