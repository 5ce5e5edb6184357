import type { BronzePlan } from '../bronze/plan.ts';
import type { BronzeReport } from '../bronze/run.ts';
import { formatBytes } from '../core/bytes.ts';
import { count, fileSummary, renderFacts, renderTree } from './render.ts';

const FILES_SHOWN = 20;

export function renderBronzePlan(plan: BronzePlan): string {
  return `plan: bronze ${plan.dataset} (nothing is written)\n${renderTree(plan, '  ')}`;
}

export function renderBronzeReport(report: BronzeReport): string {
  if (report.status === 'skipped') return `bronze ${report.dataset}: skipped, bronze.enabled is false`;
  const parts = report.files
    .slice(0, FILES_SHOWN)
    .map((file) => ['', `${file.path}  ${count(file.rows)} rows, ${formatBytes(file.size_bytes)}`] as const);
  const more = report.files.length - parts.length;
  return renderFacts(`bronze ${report.dataset} ${report.run_date}: ${report.status}`, [
    ['rows', count(report.rows)],
    ['landed', fileSummary(report.files)],
    ['at', report.location],
    ...parts,
    ['', more > 0 ? `… and ${count(more)} more` : undefined],
    [
      'replaced',
      report.replaced_rows === undefined ? undefined : `${count(report.replaced_rows)} rows landed before`,
    ],
    ['took', `${report.seconds.toFixed(2)} s`],
    ['to replace', report.retry_with],
  ]);
}
