import type { BronzePreview } from '../bronze/preview.ts';
import { count, renderFacts, rowCount } from './render.ts';

const MAX_CELL = 32;
const GAP = '  ';

/** The columns with their types, then the rows as a table, as far as its columns fit into `width`. */
export function renderPreview(preview: BronzePreview, width: number): string {
  const { columns, rows, quarantined = 0, quarantine_reasons: reasons = {} } = preview;
  const why = Object.entries(reasons).map(([reason, times]) => `${reason} ${count(times)}`);
  const facts = renderFacts(`preview: bronze ${preview.dataset} (nothing is written)`, [
    ['source', preview.source],
    ['rows', `the first ${count(rows.length)}`],
    ['quarantined', quarantined === 0 ? undefined : `${rowCount(quarantined)} (${why.join(', ')})`],
  ]);
  if (columns.length === 0) return `${facts}\n  The source gave no rows, and states no columns.`;
  return `${facts}\n\n${renderRows(columns, rows, width)}`;
}

/** Names, types and rows as a table, as far as its columns fit into `width`; the others are named below it. */
export function renderRows(
  columns: readonly { readonly name: string; readonly type: string }[],
  rows: readonly (readonly (string | null)[])[],
  width: number,
): string {
  const table = [
    columns.map(({ name }) => shown(name)),
    columns.map(({ type }) => type),
    ...rows.map((row) => row.map((cell) => (cell === null ? 'NULL' : shown(cell)))),
  ];
  const widths = columns.map((_, index) => Math.max(...table.map((row) => (row[index] ?? '').length)));
  const fitting = columnsThatFit(widths, width - GAP.length);
  const lines = table.map((row) =>
    `${GAP}${row
      .slice(0, fitting)
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join(GAP)}`.trimEnd(),
  );
  const rule =
    GAP +
    widths
      .slice(0, fitting)
      .map((size) => '-'.repeat(size))
      .join(GAP);
  const left = columns.slice(fitting).map(({ name, type }) => `${shown(name)} ${type}`);
  return [
    ...lines.slice(0, 2),
    rule,
    ...lines.slice(2),
    ...(left.length === 0 ? [] : ['', `${GAP}not shown: ${left.join(', ')}`]),
  ].join('\n');
}

/** At least one. */
function columnsThatFit(widths: readonly number[], room: number): number {
  let used = 0;
  for (const [index, size] of widths.entries()) {
    used += size + (index === 0 ? 0 : GAP.length);
    if (used > room && index > 0) return index;
  }
  return widths.length;
}

/** On one line, without what a terminal would act on. */
function shown(text: string): string {
  const plain = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\');
  return plain.length > MAX_CELL ? `${plain.slice(0, MAX_CELL - 1)}…` : plain;
}
