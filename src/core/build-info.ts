export interface BuildInfo {
  readonly version: string;
  readonly commit: string;
  /** `linux-x64`, … as it was compiled for; `source` when run from the sources. */
  readonly target: string;
}

/** Replaced by the compiler (`build/compile.ts`, `define`); absent when run from the sources. */
declare const FOUNDRY_BUILD_INFO: BuildInfo | undefined;

export const BUILD_INFO: BuildInfo =
  typeof FOUNDRY_BUILD_INFO === 'undefined'
    ? { version: '0.0.0', commit: 'unknown', target: 'source' }
    : FOUNDRY_BUILD_INFO;
