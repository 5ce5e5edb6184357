export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** A piece of work that is timed. */
export interface Span {
  set(attributes: Attributes): void;
  /** @param error why it failed; absent: it went well */
  end(error?: unknown): void;
}
