import type { BronzePlan } from '../bronze/plan.ts';
import type { BronzeReport } from '../bronze/run.ts';
import { formatBytes } from '../core/bytes.ts';
import { count, fileSummary, renderFacts, renderTree, rowCount } from './render.ts';

const FILES_SHOWN = 20;

export function renderBronzePlan(plan: BronzePlan): string {
  return `plan: bronze ${plan.dataset} (nothing is written)\n${renderTree(plan, '  ')}`;
}

export function renderBronzeReport(report: BronzeReport): string {
  if (report.status === 'skipped') return `bronze ${report.dataset}: skipped, bronze.enabled is false`;
  const parts = report.files
    .slice(0, FILES_SHOWN)
    .map((file) => ['', `${file.path}  ${holds(file)}, ${formatBytes(file.size_bytes)}`] as const);
  const more = report.files.length - parts.length;
  return renderFacts(`bronze ${report.dataset} ${report.run_date}: ${report.status}`, [
    ['rows', count(report.rows)],
    ['quarantined', quarantined(report)],
    ['cursor', cursor(report)],
    ['landed', fileSummary(report.files)],
    ['at', report.location],
    ...parts,
    ['', more > 0 ? `… and ${count(more)} more` : undefined],
    [
      'replaced',
      report.replaced_rows === undefined ? undefined : `${rowCount(report.replaced_rows)} landed before`,
    ],
    ['took', `${report.seconds.toFixed(2)} s`],
    ['to replace', report.retry_with],
  ]);
}

function holds({ rows, role }: BronzeReport['files'][number]): string {
  return role === 'raw' ? `${count(rows)} ${rows === 1 ? 'page' : 'pages'} as they came` : rowCount(rows);
}

/** `2 rows (value does not fit type int64 in column id 2)` */
function quarantined({
  quarantined: rows = 0,
  quarantine_reasons: reasons = {},
}: BronzeReport): string | undefined {
  if (rows === 0) return undefined;
  const why = Object.entries(reasons).map(([reason, times]) => `${reason} ${count(times)}`);
  return `${rowCount(rows)} (${why.join(', ')})`;
}

/** `updated_at from 2025-01-01T00:00:00.000000Z to 2025-01-02T09:30:00.000000Z (2 rows read again, 1 held before)` */
function cursor({ cursor: it }: BronzeReport): string | undefined {
  if (it === undefined) return undefined;
  const notes = [
    [it.reread, 'read again'],
    [it.repeated, 'held by other partitions'],
    [it.outside, 'outside of this range'],
    [it.null_rows, 'without a value'],
  ] as const;
  const told = notes.flatMap(([rows, what]) => ((rows ?? 0) === 0 ? [] : [`${rowCount(rows ?? 0)} ${what}`]));
  const range = `${it.column} from ${it.start ?? 'the beginning'} to ${it.end ?? 'nothing yet'}`;
  return told.length === 0 ? range : `${range} (${told.join(', ')})`;
}
