/** A failure on the way that another attempt may not meet. */
export class TransportError extends Error {
  override readonly name = 'TransportError' as const;
  /** What to do when it does not pass. */
  readonly hint: string | undefined;

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly hint?: string | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }
}
