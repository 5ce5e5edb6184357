import type { DataType } from '../../core/schema.ts';

/** An extractor of the owner's own: a TypeScript or JavaScript module. */
export interface CustomSourceSpec {
  readonly type: 'custom';
  /** A path, from the config's folder or the working directory, or a dotted name of the original's. */
  readonly module: string;
  readonly configFolder: string;
  /** Class or function; absent: the default export, or the only one. */
  readonly exportName?: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly types?: Readonly<Record<string, DataType>>;
  readonly columns?: readonly string[];
}
