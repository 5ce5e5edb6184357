import { FoundryError } from '../core/errors.ts';
import type { ObjectApi, ObjectFailure } from './object-api.ts';

/** What was asked of an object store. */
export type Operation = 'list' | 'stat' | 'download' | 'upload' | 'delete' | 'create';

const S3_ACTION: Readonly<Record<Operation, string>> = {
  list: 's3:ListBucket',
  stat: 's3:GetObject and s3:ListBucket',
  download: 's3:GetObject',
  upload: 's3:PutObject',
  delete: 's3:DeleteObject',
  create: 's3:CreateBucket',
};

const AZURE_ACTION: Readonly<Record<Operation, string>> = {
  list: 'Storage Blob Data Reader (SAS: list)',
  stat: 'Storage Blob Data Reader (SAS: read)',
  download: 'Storage Blob Data Reader (SAS: read)',
  upload: 'Storage Blob Data Contributor (SAS: create and write)',
  delete: 'Storage Blob Data Contributor (SAS: delete)',
  create: 'Storage Blob Data Owner',
};

/** A named failure that still knows what kind of failure the store called it. */
export class ObjectError extends FoundryError {
  readonly failure: ObjectFailure;

  constructor(
    code: 'STG001' | 'AUTH001',
    message: string,
    failure: ObjectFailure,
    options: ConstructorParameters<typeof FoundryError>[2],
  ) {
    super(code, message, options);
    this.failure = failure;
  }
}

/** STG001, or AUTH001 for credentials, that names backend, bucket, key and operation, and what to do. */
export function objectError(
  api: Pick<ObjectApi, 'backend' | 'bucket' | 'host'>,
  operation: Operation,
  where: { readonly uri: string; readonly name: string },
  failure: ObjectFailure,
  cause: unknown,
): ObjectError {
  const code = failure.kind === 'credentials' ? 'AUTH001' : 'STG001';
  const hint = hintOf(api, operation, failure);
  return new ObjectError(code, `could not ${verb(operation)} ${where.uri}: ${failure.message}`, failure, {
    details: {
      backend_type: api.backend,
      operation,
      [api.backend === 's3' ? 'bucket' : 'container']: api.bucket,
      key: where.name,
      error_type: failure.code,
      status: failure.status,
    },
    ...(hint !== undefined && { hint }),
    cause,
  });
}

function verb(operation: Operation): string {
  return operation === 'stat' ? 'look at' : operation;
}

function hintOf(
  { backend, bucket, host }: Pick<ObjectApi, 'backend' | 'bucket' | 'host'>,
  operation: Operation,
  { kind, code }: ObjectFailure,
): string | undefined {
  const isS3 = backend === 's3';
  switch (kind) {
    case 'credentials':
      return /Expired|TokenRefresh/.test(code)
        ? 'The session has ended: get new credentials and run again. What was committed before is untouched.'
        : isS3
          ? 'Check the variables that s3_connection names, or the profile or role of this machine. `foundry storage check` tells what works.'
          : 'Check the variables that azure_connection names. `foundry storage check` tells what works.';
    case 'forbidden':
      return `These credentials lack ${(isS3 ? S3_ACTION : AZURE_ACTION)[operation]} on ${bucket}. \`foundry storage check\` tells what they may do.`;
    case 'bucket':
      return isS3
        ? `Create the bucket ${bucket}, or correct its name and the region.`
        : `Correct the name, or let foundry create the container ${bucket}: \`foundry init --config\`, or --create-container.`;
    case 'region':
      return 'Set s3_connection.region (or AWS_REGION) to the region of the bucket.';
    case 'tls':
      return 'Name the certificates to trust: s3_connection.ca_file, AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS.';
    case 'clock':
      return "This machine's clock is wrong: correct it (NTP), then run again.";
    case 'temporary':
      return `Run again later. If it stays, check that ${host} can be reached from here.`;
    default:
      return undefined;
  }
}
