import { errnoOf } from './failure.ts';
import type { ObjectFailure } from './object-api.ts';

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ConnectionRefused',
  'ConnectionReset',
  'ConnectionClosed',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_SOCKET_CLOSED',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  'FailedToOpenSocket',
]);

/** Names of errors; an abort of ours is told apart before anyone asks. */
const LOST = new Set(['TimeoutError', 'RequestTimeout', 'AbortError']);

const TLS =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|ERR_SSL_|UNKNOWN_CERTIFICATE|HOSTNAME_MISMATCH)/;

/** Of failures below HTTP, whichever library saw them; undefined where it is none. */
export function networkFailure(error: unknown): ObjectFailure | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const code = errnoOf(at) ?? '';
    if (TLS.test(code)) return { kind: 'tls', code, message: at.message };
    if (NETWORK.has(code) || LOST.has(at.name)) {
      return { kind: 'temporary', code: code === '' ? at.name : code, message: at.message };
    }
  }
  return undefined;
}

const CREDENTIALS = new Set([
  'CredentialsProviderError',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'InvalidToken',
  'InvalidSecurity',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'AuthenticationFailed',
  'AuthorizationFailure',
  'InvalidAuthenticationInfo',
  'NoAuthenticationInformation',
  'CredentialUnavailableError',
  'AuthenticationRequiredError',
  'AuthenticationError',
  'AggregateAuthenticationError',
]);
const FORBIDDEN = new Set([
  'AccessDenied',
  'AllAccessDisabled',
  'AccountProblem',
  'AuthorizationPermissionMismatch',
  'AuthorizationProtocolMismatch',
  'AuthorizationResourceTypeMismatch',
  'AuthorizationServiceMismatch',
  'AuthorizationSourceIPMismatch',
  'InsufficientAccountPermissions',
  'AccountIsDisabled',
]);
const TEMPORARY = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'RequestTimeoutException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TooManyRequestsException',
  'BadDigest',
  'IncompleteBody',
  'Md5Mismatch',
  'ServerBusy',
  'OperationTimedOut',
  'TimeoutError',
]);
const REGION = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);
const CLOCK = new Set(['RequestTimeTooSkewed', 'RequestExpired']);
const BUCKET = new Set([
  'NoSuchBucket',
  'InvalidBucketName',
  'ContainerNotFound',
  'ContainerBeingDeleted',
  'ContainerDisabled',
  'InvalidResourceName',
]);
const ABSENT = new Set(['NoSuchKey', 'BlobNotFound', 'NotFound', 'ResourceNotFound']);

/** By the store's own code where there is one, else by the status of HTTP. */
export function kindOf(code: string, status: number | undefined): ObjectFailure['kind'] {
  if (CREDENTIALS.has(code)) return 'credentials';
  if (FORBIDDEN.has(code)) return 'forbidden';
  if (TEMPORARY.has(code)) return 'temporary';
  if (REGION.has(code)) return 'region';
  if (CLOCK.has(code)) return 'clock';
  if (BUCKET.has(code)) return 'bucket';
  if (code === 'NoSuchUpload' || code === 'InvalidBlockList') return 'upload';
  if (code === 'ConditionalRequestConflict' || code === 'OperationAborted') return 'conflict';
  if (code === 'PreconditionFailed' || code === 'ConditionNotMet' || code === 'BlobAlreadyExists')
    return 'condition';
  if (ABSENT.has(code)) return 'absent';
  if (code === 'NotImplemented') return 'unsupported';
  return kindOfStatus(status);
}

function kindOfStatus(status: number | undefined): ObjectFailure['kind'] {
  if (status === undefined) return 'other';
  if (status === 401) return 'credentials';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'absent';
  if (status === 409) return 'conflict';
  if (status === 412) return 'condition';
  if (status === 301 || status === 307) return 'region';
  if (status === 501) return 'unsupported';
  return status === 408 || status === 429 || status >= 500 ? 'temporary' : 'other';
}

/** Of `Retry-After` in seconds or as a date, in milliseconds. */
export function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
