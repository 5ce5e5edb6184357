import type { ClassicConfig } from './classic/schema.ts';
import type { ConfigPath } from './yaml/problems.ts';
import type { Report } from './yaml/report.ts';
import type { Partly } from './yaml/validate.ts';

/**
 * What the original warned of, under its own codes. They share numbers with errors (`CFG001`), and stand in
 * brackets to tell them apart.
 */
export const DEPRECATIONS = {
  CFG001: {
    text: 'the fallback from output_dir will be removed; set platform.bronze.local_path',
    since: '1.1.0',
    removal: '1.3.0',
  },
  CFG002: { text: "'url' will be removed; rename it to base_url", since: '1.1.0', removal: '1.3.0' },
  CFG003: {
    text: "the default endpoint '/' will be removed; set endpoint",
    since: '1.1.0',
    removal: '1.3.0',
  },
  CFG004: { text: 'config_version is missing and taken to be 1', since: undefined, removal: undefined },
  CFG_NEW_ORDER: {
    text: 'primary_keys without order_column: no row of a key is newer than another; set silver.order_column',
    since: undefined,
    removal: undefined,
  },
} as const;

export type DeprecationCode = keyof typeof DEPRECATIONS;

/** `[CFG002] text (since 1.1.0) (scheduled removal: 1.3.0)`: the original's format. */
export function formatDeprecation(code: DeprecationCode): string {
  const { text, since, removal } = DEPRECATIONS[code];
  const started = since === undefined ? '' : ` (since ${since})`;
  const ends = removal === undefined ? '' : ` (scheduled removal: ${removal})`;
  return `[${code}] ${text}${started}${ends}`;
}

/** Warns of the old shapes of a classic config. */
export function checkDeprecations(config: Partly<ClassicConfig>, report: Report): void {
  const warn = (code: DeprecationCode, path: ConfigPath): void =>
    report.warn(path, formatDeprecation(code), code);
  const { bronze } = config.platform ?? {};
  if (bronze?.output_dir !== undefined) {
    if (bronze.local_path === undefined) warn('CFG001', ['platform', 'bronze', 'output_dir']);
    else report.warn(['platform', 'bronze', 'output_dir'], "'output_dir' has no effect beside local_path");
  }
  const api = config.source?.api;
  if (api !== undefined) {
    if (api.url !== undefined) warn('CFG002', ['source', 'api', 'url']);
    if (api.endpoint === undefined) warn('CFG003', ['source', 'api']);
  }
  if (config.config_version === undefined && !report.isMuted(['config_version'])) {
    warn('CFG004', ['config_version']);
  }
  const { primary_keys: keys, order_column: order } = config.silver ?? {};
  if ((keys?.length ?? 0) > 0 && order === undefined && !report.isMuted(['silver', 'order_column'])) {
    warn('CFG_NEW_ORDER', ['silver', 'primary_keys']);
  }
}
