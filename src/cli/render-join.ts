import { formatBytes } from '../core/bytes.ts';
import type { JoinPlan } from '../join/plan.ts';
import type { JoinReport } from '../join/report.ts';
import type { UnplannedJoin } from './join-step.ts';
import { count, fileSummary, renderFacts, renderTree, rowCount } from './render.ts';

const FILES_SHOWN = 20;

export function renderJoinPlan(plan: JoinPlan | UnplannedJoin): string {
  return `plan: join ${plan.dataset} (nothing is written)\n${renderTree(plan, '  ')}`;
}

export function renderJoinReport(report: JoinReport): string {
  const { join_stats: stats } = report;
  const files = report.files
    .slice(0, FILES_SHOWN)
    .map((file) => ['', `${file.path}  ${rowCount(file.rows)}, ${formatBytes(file.size_bytes)}`] as const);
  const more = report.files.length - files.length;
  const chunks = stats.chunk_count === 1 ? '' : `, ${count(stats.chunk_count)} chunks`;
  return renderFacts(`join ${report.dataset} ${report.run_date}: ${report.status}`, [
    ...report.inputs.map(
      ({ artifact, location, rows, side }) =>
        [side, `${rowCount(rows)} of ${location}${artifact === null ? '' : ` (${artifact})`}`] as const,
    ),
    ['join', `${report.join_type}, ${report.strategy}${chunks}`],
    [
      'resumed',
      report.resumed_at_chunk === null
        ? undefined
        : `after ${count(report.resumed_at_chunk)} chunks of an earlier run`,
    ],
    [
      'matched',
      `${rowCount(stats.matched_left_rows)} of the left, ${count(stats.matched_right_keys)} keys of the right`,
    ],
    ['held', stats.build_sides.length === 0 ? undefined : `the ${stats.build_sides.join(' and the ')} side`],
    ['spilled', stats.spilled_bytes === 0 ? undefined : formatBytes(stats.spilled_bytes)],
    [
      'model',
      report.model === report.requested_model
        ? report.model
        : `${report.model}, not ${report.requested_model}`,
    ],
    ...report.artifacts.map(({ artifact, rows }) => [artifact, rowCount(rows)] as const),
    ['guards', report.guards.length === 0 ? undefined : `${count(report.guards.length)} passed`],
    ['landed', fileSummary(report.files)],
    ['at', report.location],
    ...files,
    ['', more > 0 ? `… and ${count(more)} more` : undefined],
    ['replaced', report.replaced_rows === undefined ? undefined : rowCount(report.replaced_rows)],
    ['took', `${report.seconds.toFixed(2)} s`],
  ]);
}
