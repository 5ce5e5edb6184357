import type { SampleReport } from '../samples/bronze.ts';
import type { JoinSampleReport } from '../samples/join.ts';
import type { SilverSampleReport } from '../samples/silver.ts';
import { count, fileSummary, renderFacts, rowCount } from './render.ts';

export function renderBronzeSample(report: SampleReport): string {
  const { files, removed, status } = report;
  const sized = files.flatMap(({ size_bytes }) => (size_bytes === null ? [] : [{ size_bytes }]));
  return renderFacts(
    `${report.dataset}: ${status === 'planned' ? 'would make' : 'made'} ${rowCount(report.rows)}`,
    [
      ['dates', `${report.first_date} to ${report.last_date}`],
      ['at', report.location],
      ['files', status === 'planned' ? count(files.length) : fileSummary(sized)],
      ['removed', removed.length === 0 ? undefined : `${count(removed.length)} files of an earlier run`],
    ],
  );
}

export function renderSilverSample({ dataset, location, partitions, status }: SilverSampleReport): string {
  const last = partitions.at(-1);
  const rows = Object.entries(last?.artifacts ?? {}).map(([artifact, rows]) => `${artifact} ${count(rows)}`);
  return renderFacts(
    `${dataset}: ${status === 'planned' ? 'would make' : 'made'} ${count(partitions.length)} load dates`,
    [
      ['dates', `${partitions[0]?.load_date ?? ''} to ${last?.load_date ?? ''}`],
      ['at', location],
      ['last', rows.length === 0 ? undefined : rows.join(', ')],
    ],
  );
}

export function renderJoinSample({
  dataset,
  load_date: date,
  location,
  rows,
  status,
}: JoinSampleReport): string {
  const title = status === 'planned' ? 'would be made' : `made, ${rowCount(rows ?? 0)}`;
  return renderFacts(`${dataset}: ${title}`, [
    ['date', date],
    ['at', location],
  ]);
}
