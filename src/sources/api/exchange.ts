/**
 * A request as the paging asks for it: without credentials, which are added behind the door, so that it can be
 * printed, recorded and compared.
 */
export interface ApiRequest {
  readonly method: 'GET' | 'POST';
  /** Absolute, with its query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A whole answer. Its body arrived complete and is unpacked, in UTF-8. */
export interface ApiResponse {
  /** Where it came from in the end, after redirects, without credentials. */
  readonly url: string;
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * The one door through which everything about an API goes over the network. Retries, rate limit, credentials and
 * redirects are behind it; what an answer means is in front of it. A status that no retry will change is an answer.
 *
 * @throws AUTH001 when credentials are missing or a token cannot be had; EXT001 when the host cannot be spoken to
 * at all; RETRY001 when it could not be reached, or was busy, for too long; INT001 when stopped
 */
export type Exchange = (request: ApiRequest, signal: AbortSignal) => Promise<ApiResponse>;
