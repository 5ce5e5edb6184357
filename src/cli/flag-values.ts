import type { DatasetSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { DEPRECATED_ARGS } from './args.ts';

const REPLACEMENTS: Readonly<Record<keyof typeof DEPRECATED_ARGS, string>> = {
  'artifact-writer': 'every write is transactional now; drop the flag',
  'run-context': 'it is ignored; give --config and --date instead',
};

/** One warning for each deprecated flag that was given. */
export function deprecatedFlags(args: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(REPLACEMENTS)
    .filter(([name]) => args[name] !== undefined)
    .map(([name, replacement]) => `--${name} is deprecated: ${replacement}`);
}

/**
 * The flags of incremental reading as a run takes them.
 * @throws USE001 where they contradict each other, or name one dataset's state for several.
 */
export function incrementalFlags(
  args: { readonly 'full-refresh'?: boolean | undefined; readonly state?: string | undefined },
  datasets: readonly DatasetSpec[],
): { readonly fullRefresh?: boolean; readonly stateFile?: string } {
  const { 'full-refresh': fullRefresh, state } = args;
  if (fullRefresh === true && state !== undefined) {
    throw new FoundryError(
      'USE001',
      '--full-refresh begins at the beginning, and --state elsewhere; give one',
    );
  }
  if (state !== undefined) {
    const name = datasets.length === 1 ? datasets[0]?.name : undefined;
    if (name === undefined) {
      throw new FoundryError('USE001', `--state belongs to one dataset; this run has ${datasets.length}`, {
        hint: 'Choose one with --source-name.',
      });
    }
    if (datasets[0]?.bronze.incremental === undefined) {
      throw new FoundryError('USE001', `--state: ${name} is not read incrementally`);
    }
  }
  return {
    ...(fullRefresh === true && { fullRefresh }),
    ...(state !== undefined && { stateFile: state }),
  };
}

const MAX_PREVIEW = 1000;

/** @throws USE001 for a number of rows that is none, or beside another flag that writes nothing. */
export function previewRows(args: {
  readonly preview?: string | undefined;
  readonly 'dry-run'?: boolean | undefined;
  readonly 'validate-only'?: boolean | undefined;
}): number | undefined {
  const { preview } = args;
  if (preview === undefined) return undefined;
  for (const other of ['dry-run', 'validate-only'] as const) {
    if (args[other] === true)
      throw new FoundryError('USE001', `--preview and --${other} are two things; give one`);
  }
  if (/^[1-9]\d{0,3}$/.test(preview) && Number(preview) <= MAX_PREVIEW) return Number(preview);
  throw new FoundryError(
    'USE001',
    `--preview: "${preview}" is not a number of rows from 1 to ${MAX_PREVIEW}`,
  );
}

/** @throws USE001 where both are given, or nothing is read. */
export function recordingOf(args: {
  readonly record?: string | undefined;
  readonly replay?: string | undefined;
  readonly 'dry-run'?: boolean | undefined;
  readonly 'validate-only'?: boolean | undefined;
}): { readonly recording?: { readonly mode: 'record' | 'replay'; readonly folder: string } } {
  const { record, replay } = args;
  if (record !== undefined && replay !== undefined) {
    throw new FoundryError('USE001', '--record keeps what APIs say, and --replay speaks for them; give one');
  }
  const folder = record ?? replay;
  if (folder === undefined) return {};
  const mode = record === undefined ? 'replay' : 'record';
  for (const other of ['dry-run', 'validate-only'] as const) {
    if (args[other] === true)
      throw new FoundryError('USE001', `--${mode} has nothing to do with --${other}, which asks nobody`);
  }
  return { recording: { mode, folder } };
}

/**
 * @param impliesPlan the flag alone asks for the plan too
 * @throws USE001 without the plan that it belongs to
 */
export function connectionChecks(
  args: {
    readonly 'check-connections'?: boolean | undefined;
    readonly 'dry-run'?: boolean | undefined;
  },
  { impliesPlan = false }: { readonly impliesPlan?: boolean } = {},
): { readonly checkConnections?: boolean } {
  if (args['check-connections'] !== true) return {};
  if (args['dry-run'] === true || impliesPlan) return { checkConnections: true };
  throw new FoundryError('USE001', '--check-connections is part of a plan; give --dry-run too');
}

/** The values of a comma list, trimmed, blanks dropped. */
export function commaList(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
