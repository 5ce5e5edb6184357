import { formatBytes } from '../core/bytes.ts';
import { describeChanges, type SchemaChanges } from '../silver/contract.ts';
import type { SilverPlan } from '../silver/plan.ts';
import type { SilverReport } from '../silver/run.ts';
import { count, fileSummary, renderFacts, renderTree, rowCount } from './render.ts';

const FILES_SHOWN = 20;

export function renderSilverPlan(plan: SilverPlan): string {
  return `plan: silver ${plan.dataset} (nothing is written)\n${renderTree(plan, '  ')}`;
}

export function renderSilverReport(report: SilverReport): string {
  if (report.status === 'skipped') return `silver ${report.dataset}: skipped, silver.enabled is false`;
  const files = report.files
    .slice(0, FILES_SHOWN)
    .map((file) => ['', `${file.path}  ${rowCount(file.rows)}, ${formatBytes(file.size_bytes)}`] as const);
  const more = report.files.length - files.length;
  return renderFacts(`silver ${report.dataset} ${report.run_date}: ${report.status}`, [
    ['model', report.model],
    ['read', `${rowCount(report.rows.read)} of ${report.inputs.join(', ')}`],
    ['not read', report.not_read.length === 0 ? undefined : report.not_read.join(', ')],
    ...report.artifacts.map(({ artifact, rows }) => [artifact, `${rowCount(rows)}`] as const),
    ['not live', notLive(report)],
    ['columns', report.schema_changes && columnChanges(report.schema_changes)],
    [
      'dropped',
      report.dropped_columns.length === 0 ? undefined : `columns ${report.dropped_columns.join(', ')}`,
    ],
    ['landed', fileSummary(report.files)],
    ['at', report.location],
    ...files,
    ['', more > 0 ? `… and ${count(more)} more` : undefined],
    ['replaced', report.replaced_rows === undefined ? undefined : `${rowCount(report.replaced_rows)}`],
    ['missing keys', report.missing_keys === undefined ? undefined : `${count(report.missing_keys)} deleted`],
    ['stale', report.stale.length === 0 ? undefined : report.stale.map(({ path }) => path).join(', ')],
    ['took', `${report.seconds.toFixed(2)} s`],
  ]);
}

/** `added b; a int64 → string; since load_date=2025-01-04` */
function columnChanges(changes: SchemaChanges): string | undefined {
  const told = describeChanges(changes);
  return told && `${told}; since ${changes.against.slice(changes.against.lastIndexOf('/') + 1)}`;
}

/** Where the rows that are not live went: `12 superseded, 3 deleted, 1 quarantined (null key 1)`. */
function notLive({ rows, quarantine_reasons: reasons }: SilverReport): string | undefined {
  const kinds = ['superseded', 'deleted', 'duplicate', 'unchanged', 'quarantined'] as const;
  const parts = kinds.filter((kind) => rows[kind] > 0).map((kind) => `${count(rows[kind])} ${kind}`);
  if (parts.length === 0) return undefined;
  const why = Object.entries(reasons).map(([reason, times]) => `${reason} ${count(times)}`);
  return `${parts.join(', ')}${why.length === 0 ? '' : ` (${why.join(', ')})`}`;
}
