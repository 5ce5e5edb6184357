import { asFoundryError } from '../core/failure.ts';
import type { DatasetResult } from './outcome.ts';
import { count } from './render.ts';
import { renderColumns } from './table.ts';

/** One line a step of each dataset, and how many datasets went well: the end of a report about several. */
export function renderSummary(results: readonly DatasetResult<unknown>[]): string {
  const datasets = new Set(results.map((result) => result.dataset));
  const ended = new Set(results.flatMap((result) => ('report' in result ? [] : [result.dataset])));
  const table = renderColumns(['dataset', 'layer', 'outcome', 'rows', 'seconds'], results.map(line), [
    'rows',
    'seconds',
  ]);
  return `${table}\n\n${datasets.size - ended.size} of ${datasets.size} datasets succeeded`;
}

function line(result: DatasetResult<unknown>): readonly string[] {
  if ('notRun' in result) return [result.dataset, '', 'not run'];
  if ('error' in result) return [result.dataset, '', `failed: ${asFoundryError(result.error).code}`];
  const { report } = result;
  const fact = (name: string): unknown =>
    typeof report === 'object' && report !== null
      ? Object.entries(report).find(([key]) => key === name)?.[1]
      : undefined;
  const seconds = fact('seconds');
  return [
    result.dataset,
    text(fact('layer')),
    text(fact('status') ?? 'planned'),
    rowsOf(fact('rows'), fact('artifacts')),
    typeof seconds === 'number' ? seconds.toFixed(2) : '',
  ];
}

/** Bronze counts rows, Silver has them by artifact. */
function rowsOf(rows: unknown, artifacts: unknown): string {
  if (typeof rows === 'number') return count(rows);
  if (!Array.isArray(artifacts)) return '';
  return count(artifacts.reduce((sum: number, artifact) => sum + Number(artifact.rows), 0));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
