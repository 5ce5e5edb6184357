import { formatBytes } from '../../core/bytes.ts';
import { renderRuns } from '../commands/runs.ts';
import { count, fileSummary, renderFacts, rowCount } from '../render.ts';
import { renderRows } from '../render-preview.ts';
import { renderColumns } from '../table.ts';
import type { ShownFolder, ShownPartition } from './partition.ts';

export function renderFolder({ location, partitions }: ShownFolder): string {
  const rows = partitions.map((partition) => [
    partition.location.startsWith(`${location}/`)
      ? partition.location.slice(location.length + 1)
      : partition.location,
    partition.layer ?? 'not by foundry',
    partition.rows === undefined ? '' : count(partition.rows),
    partition.status ?? '',
    partition.committed_at?.slice(0, 19).replace('T', ' ') ?? '',
  ]);
  const table = renderColumns(['partition', 'layer', 'rows', 'status', 'committed'], rows, ['rows']);
  return `${location}: ${partitions.length === 1 ? '1 partition' : `${count(partitions.length)} partitions`}\n\n${table}`;
}

export function renderPartition(shown: ShownPartition, width: number): string {
  const { metadata, files, first_rows: first, history } = shown;
  const text = (name: string): string | undefined => {
    const value = metadata[name];
    return value === undefined || value === null ? undefined : String(value);
  };
  const all = files.flatMap((group) => group.files);
  const facts = renderFacts(
    `${text('layer')} ${text('config_name') ?? ''} ${text('run_date')}: ${text('status')}`,
    [
      ['at', shown.location],
      ['rows', count(Number(metadata.record_count))],
      ['files', fileSummary(all)],
      ['pattern', text('load_pattern')],
      ['model', text('silver_model')],
      ['from', sourceOf(metadata)],
      ['cursor', cursorOf(metadata)],
      ['quarantined', quarantined(metadata)],
      ['committed', text('timestamp')],
      ['commit', text('commit_id')],
      ['run', text('run_id')],
      ['owner', text('owner_team') ?? text('silver_owner')],
    ],
  );
  const parts = files.map((group) => {
    const rows = first.find((candidate) => candidate.artifact === group.artifact);
    const total = group.files.reduce((sum, file) => sum + file.rows, 0);
    const bytes = group.files.reduce((sum, file) => sum + file.size_bytes, 0);
    const title = `${group.artifact ?? 'data'}: ${rowCount(total)}, ${formatBytes(bytes)}`;
    return rows === undefined ? title : `${title}\n\n${renderRows(rows.columns, rows.rows, width)}`;
  });
  const past = history.length === 0 ? [] : [`history:\n\n${renderRuns(history)}`];
  return [facts, ...parts, ...past].join('\n\n');
}

function sourceOf({ source, bronze_path: path }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof path === 'string') return path;
  return typeof source === 'object' && source !== null && 'description' in source
    ? String(source.description)
    : undefined;
}

function cursorOf({ cursor }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof cursor !== 'object' || cursor === null || !('column' in cursor) || !('end' in cursor))
    return undefined;
  return `${String(cursor.column)} up to ${cursor.end === null ? 'nothing yet' : String(cursor.end)}`;
}

function quarantined({ quarantined_rows: rows }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof rows === 'number' && rows > 0 ? rowCount(rows) : undefined;
}
