import type { ArgsDef } from 'citty';

/** Flags that several commands share, in the order in which `--help` shows them. */

export const CONFIG_ARGS = {
  config: {
    type: 'string',
    alias: 'c',
    valueHint: 'a.yaml,b.yaml',
    description: 'Config file or glob; may be repeated or a comma list',
  },
  'source-name': {
    type: 'string',
    valueHint: 'a,b',
    description: 'Only the datasets of these names (globs allowed) where configs hold several',
  },
  date: {
    type: 'string',
    alias: 'd',
    valueHint: 'YYYY-MM-DD[THH]',
    description: 'Logical run date, or one hour of it (default: today, UTC)',
  },
} as const satisfies ArgsDef;

export const INCREMENTAL_ARGS = {
  'full-refresh': {
    type: 'boolean',
    description: 'Incremental datasets: read everything again, and continue from there',
  },
  state: {
    type: 'string',
    valueHint: 'file',
    description: 'Incremental datasets: begin where this state file of the original says',
  },
} as const satisfies ArgsDef;

export const RECORDING_ARGS = {
  record: {
    type: 'string',
    valueHint: 'folder',
    description: 'APIs: keep every answer in this folder, without secrets',
  },
  replay: {
    type: 'string',
    valueHint: 'folder',
    description: 'APIs: take the answers from such a folder, without network or secrets',
  },
} as const satisfies ArgsDef;

export const PREVIEW_ARGS = {
  preview: {
    type: 'string',
    valueHint: 'n',
    description: 'Show the first n rows and the columns they give. Writes nothing',
  },
} as const satisfies ArgsDef;

export const MODE_ARGS = {
  'dry-run': {
    type: 'boolean',
    description: 'Print the plan: what is read, where each file would go. Writes nothing',
  },
  'validate-only': { type: 'boolean', description: 'Check the configs and stop' },
} as const satisfies ArgsDef;

export const CHECK_ARGS = {
  'check-connections': {
    type: 'boolean',
    description: 'With --dry-run: ask databases and APIs whether they can be read',
  },
} as const satisfies ArgsDef;

export const ENGINE_ARGS = {
  'parallel-workers': {
    type: 'string',
    valueHint: 'n',
    description: 'How many datasets run at a time (default: 1); they share the memory limit',
  },
  'memory-limit': {
    type: 'string',
    valueHint: '512MB',
    description: 'What the embedded engine may hold in memory before it spills to disk',
  },
  'lock-timeout': {
    type: 'string',
    valueHint: 'seconds',
    description: 'How long to wait while another run holds the dataset (default: 0, exit 75 at once)',
  },
  threads: {
    type: 'string',
    valueHint: 'n',
    description: 'Threads of the embedded engine (default: all cores)',
  },
} as const satisfies ArgsDef;

/** How a run is bounded, what it tells, and to whom. */
export const OPERATION_ARGS = {
  timeout: {
    type: 'string',
    valueHint: '30m',
    description: 'Stop cleanly after this long, with exit code 75 (90s, 30m, 2h; default: none)',
  },
  'fail-fast': {
    type: 'boolean',
    description: 'Begin no further dataset after one failed (those under way are finished)',
  },
  'log-level': {
    type: 'enum',
    options: ['debug', 'info', 'warning', 'error'],
    description: 'Least level of the log on stderr (default: info, or FOUNDRY_LOG_LEVEL)',
  },
  'log-file': {
    type: 'string',
    valueHint: 'path',
    description: 'Log to this file too, as JSON lines; rotated (or FOUNDRY_LOG_FILE)',
  },
  'on-success-webhook': {
    type: 'string',
    valueHint: 'url',
    description: 'Post the outcome here when all went well; may be repeated',
  },
  'on-failure-webhook': {
    type: 'string',
    valueHint: 'url',
    description: 'Post the outcome here when something failed; may be repeated',
  },
  'on-success-command': {
    type: 'string',
    valueHint: 'command',
    description: 'Run this when all went well, the outcome on its stdin; may be repeated',
  },
  'on-failure-command': {
    type: 'string',
    valueHint: 'command',
    description: 'Run this when something failed, the outcome on its stdin; may be repeated',
  },
} as const satisfies ArgsDef;

/** Of commands that touch object stores. */
export const STORAGE_ARGS = {
  'spool-limit': {
    type: 'string',
    valueHint: '20GB',
    description: 'What may be fetched from remote storage to the local disk (default: what is free there)',
  },
  'create-container': {
    type: 'boolean',
    description: 'Create an Azure container that is not there yet',
  },
  'storage-scope': {
    type: 'enum',
    options: ['any', 'onprem'],
    description: 'Refuse, before anything is contacted, what is not on the own premises (default: any)',
  },
  'onprem-only': { type: 'boolean', description: 'The same as --storage-scope onprem' },
} as const satisfies ArgsDef;

export const OUTPUT_ARGS = {
  output: {
    type: 'enum',
    alias: 'o',
    options: ['text', 'json'],
    description: 'Form of the report on stdout (default: text)',
  },
  'log-format': {
    type: 'enum',
    options: ['human', 'json', 'simple'],
    description: 'Form of the log on stderr (default: human, or FOUNDRY_LOG_FORMAT)',
  },
  verbose: { type: 'boolean', alias: 'v', description: 'Log what is done in detail' },
  quiet: { type: 'boolean', alias: 'q', description: 'Log errors only' },
  help: { type: 'boolean', alias: 'h', description: 'Show this help' },
} as const satisfies ArgsDef;

/** Carried by scripts written for the original (decision 23): accepted, warned about, without effect. */
export const DEPRECATED_ARGS = {
  'artifact-writer': {
    type: 'enum',
    options: ['default', 'transactional'],
    description: 'Deprecated: every write is transactional',
  },
  'run-context': { type: 'string', valueHint: 'path', description: 'Deprecated: use --config and --date' },
} as const satisfies ArgsDef;

/** Between values that may hold commas themselves. */
export const VALUE_SEPARATOR = '\u0000';

/** Flags that may be given several times, and what their values are joined by. */
export const LIST_FLAGS: ReadonlyMap<string, string> = new Map([
  ['config', ','],
  ['source-name', ','],
  ['primary-key', ','],
  ['on-success-webhook', VALUE_SEPARATOR],
  ['on-failure-webhook', VALUE_SEPARATOR],
  ['on-success-command', VALUE_SEPARATOR],
  ['on-failure-command', VALUE_SEPARATOR],
]);
