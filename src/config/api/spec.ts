import type { DataType } from '../../core/schema.ts';
import type { Secret } from '../../core/secret.ts';

/** Steps into JSON, as core/json-path.ts reads them. */
type Steps = readonly string[];

/** Where a secret is read from when a run needs it; the spec never holds one. */
export type SecretRef = { readonly env: string } | { readonly file: string };

export interface ApiSourceSpec {
  readonly type: 'api';
  /** As written, or the environment variable that holds it. */
  readonly base: { readonly url: string } | { readonly env: string };
  readonly endpoint: string;
  readonly method: 'GET' | 'POST';
  /** What is called like a secret is one, here and in the parameters. */
  readonly headers: Readonly<Record<string, string | Secret>>;
  readonly params: Readonly<Record<string, string | Secret>>;
  /** Of a POST; page parameters join it where `pagination.parametersIn` is `body`. */
  readonly body?: { readonly format: 'json' | 'form'; readonly members: Readonly<Record<string, unknown>> };
  readonly auth: ApiAuth;
  readonly pagination: Pagination;
  /** To the records. Absent: the answer itself, or its `items`, `data`, `results` or `records`. */
  readonly recordsPath?: Steps;
  /** To what makes an answer an error, unless it is null, false, 0 or empty. */
  readonly errorPath?: Steps;
  readonly timeouts: ApiTimeouts;
  readonly retry: ApiRetry;
  readonly rateLimit?: { readonly rps: number; readonly burst?: number };
  readonly tls?: ApiTls;
  /** Absent: as the environment says. */
  readonly isConcurrent?: boolean;
  readonly maxConcurrency: number;
  /** Columns with types of their own; all others are inferred. */
  readonly types: Readonly<Record<string, DataType>>;
  /** Projection, in this order; a name that the records lack gives NULLs. */
  readonly columns?: readonly string[];
  /** Keep the answers as they came beside the parts. */
  readonly keepRaw: boolean;
  /** How the cursor of an incremental run goes into its requests. */
  readonly incremental?: ApiIncremental;
}

export type ApiAuth =
  | { readonly type: 'none' }
  | { readonly type: 'bearer'; readonly token: SecretRef }
  | {
      readonly type: 'api_key';
      readonly key: SecretRef;
      readonly at: 'header' | 'query';
      readonly name: string;
    }
  | { readonly type: 'basic'; readonly username: SecretRef; readonly password: SecretRef }
  | {
      readonly type: 'aws_sigv4';
      readonly region: string;
      readonly service: string;
      readonly accessKeyId: SecretRef;
      readonly secretAccessKey: SecretRef;
      /** Used where it is set. */
      readonly sessionToken: SecretRef;
    }
  | ({ readonly type: 'oauth2_client_credentials' } & OAuthClient)
  | ({ readonly type: 'oauth2_refresh_token'; readonly refreshToken: SecretRef } & OAuthClient);

export type OAuth = Extract<ApiAuth, { readonly tokenUrl: string }>;

/** RFC 6749, sections 4.4 and 6. */
interface OAuthClient {
  readonly tokenUrl: string;
  readonly clientId: SecretRef | { readonly text: string };
  /** Public clients with a refresh token have none. */
  readonly clientSecret?: SecretRef;
  /** Where client id and secret go (section 2.3.1). */
  readonly clientAuth: 'basic' | 'body';
  readonly scopes: readonly string[];
  readonly audience?: string;
}

export interface ApiTimeouts {
  /** Absent: only the idle time bounds connecting. */
  readonly connectMs?: number;
  /** Without any byte of an answer. */
  readonly idleMs: number;
  /** Of one attempt, the body included. */
  readonly totalMs: number;
}

export interface ApiRetry {
  readonly attempts: number;
  readonly baseMs: number;
  readonly capMs: number;
  readonly jitter: number;
  readonly afterCapMs: number;
  readonly deadlineMs: number;
  /** Absent: 408, 425, 429 and all from 500. */
  readonly statuses?: readonly number[];
}

export interface ApiTls {
  readonly verify: boolean;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface ApiIncremental {
  /** Name of the parameter that the cursor is sent in. */
  readonly param: string;
  readonly format: CursorFormat;
}

export const CURSOR_FORMATS = ['text', 'iso8601', 'date', 'unix', 'unix_ms'] as const;
export type CursorFormat = (typeof CURSOR_FORMATS)[number];

export const PAGINATION_TYPES = [
  'none',
  'offset',
  'page',
  'cursor',
  'link_header',
  'next_url',
  'keyset',
] as const;

export type Pagination = PaginationCommon & PagingScheme;

export type PagingScheme =
  | { readonly type: 'none' }
  | {
      readonly type: 'offset';
      readonly offsetParam: string;
      readonly limitParam: string;
      readonly pageSize: number;
      readonly lastPage: LastPageRule;
    }
  | {
      readonly type: 'page';
      readonly pageParam: string;
      readonly sizeParam: string;
      readonly pageSize: number;
      readonly startPage: number;
      readonly totalPagesPath?: Steps;
      readonly lastPage: LastPageRule;
    }
  | {
      readonly type: 'cursor';
      readonly cursorParam: string;
      readonly from: { readonly path: Steps } | { readonly header: string };
    }
  | { readonly type: 'link_header' }
  | { readonly type: 'next_url'; readonly urlPath: Steps }
  | { readonly type: 'keyset'; readonly keyField: Steps; readonly keyParam: string };

/**
 * Which page is the last where the API does not say: `shorter` than the longest one before it, the first one that
 * is shorter than was `asked` for, or only an `empty` one.
 */
export type LastPageRule = 'shorter' | 'asked' | 'empty';

interface PaginationCommon {
  readonly parametersIn: 'query' | 'body';
  readonly maxRecords?: number;
  readonly maxPages?: number;
  readonly hasMorePath?: Steps;
  /** Where the API states how many records there are. */
  readonly total?: { readonly path: Steps } | { readonly header: string };
  readonly onTotalMismatch: 'error' | 'warn';
  /** What records that were on an earlier page mean; `stop` is for those of the page right before. */
  readonly onRepeatedPage: 'error' | 'stop' | 'allow';
}
