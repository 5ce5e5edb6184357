import { version } from '../../package.json' with { type: 'json' };

/** Set by `define` when the binary is compiled; from the sources they do not exist. */
declare const FOUNDRY_COMMIT: string | undefined;
declare const FOUNDRY_TARGET: string | undefined;

export interface BuildInfo {
  readonly version: string;
  /** Git commit (40 hex digits), followed by `-dirty` where uncommitted changes were compiled in. */
  readonly commit: string;
  /** Such as `linux-x64`; `source` when not compiled. */
  readonly target: string;
}

export const BUILD: BuildInfo = {
  version,
  commit: typeof FOUNDRY_COMMIT === 'string' ? FOUNDRY_COMMIT : 'unknown',
  target: typeof FOUNDRY_TARGET === 'string' ? FOUNDRY_TARGET : 'source',
};
