import { formatBytes } from '../core/bytes.ts';

/** Nested data as indented `key: value` lines; arrays of plain values on one line, texts of several lines as a block. */
export function renderTree(value: unknown, indent = ''): string {
  if (value === null || typeof value !== 'object') return `${indent}${scalar(value)}`;
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item) => ['-', item])
    : Object.entries(value).map(([key, item]) => [`${key}:`, item]);
  return entries
    .filter(([, item]) => item !== undefined)
    .map(([label, item]) => renderEntry(label, item, indent))
    .join('\n');
}

function renderEntry(label: string, item: unknown, indent: string): string {
  if (typeof item === 'string' && item.includes('\n')) {
    const block = item.split('\n').map((line) => `${indent}    ${line}`);
    return [`${indent}${label} |`, ...block].join('\n');
  }
  if (item === null || typeof item !== 'object') return `${indent}${label} ${scalar(item)}`;
  if (Array.isArray(item) && item.every((member) => member === null || typeof member !== 'object')) {
    return `${indent}${label} ${item.length === 0 ? '(none)' : item.map(scalar).join(', ')}`;
  }
  if (label === '-') return `${indent}- ${renderTree(item, `${indent}  `).trimStart()}`;
  return `${indent}${label}\n${renderTree(item, `${indent}  `)}`;
}

function scalar(value: unknown): string {
  return typeof value === 'bigint' || typeof value === 'number' ? value.toLocaleString('en') : String(value);
}

/** `label      value` lines under a title. */
export function renderFacts(
  title: string,
  facts: readonly (readonly [string, string | undefined])[],
): string {
  const shown = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined);
  const width = Math.max(0, ...shown.map(([label]) => label.length));
  return [title, ...shown.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`)].join('\n');
}

export function count(value: number): string {
  return value.toLocaleString('en');
}

/** `1 row`, `2,922 rows` */
export function rowCount(rows: number): string {
  return `${count(rows)} ${rows === 1 ? 'row' : 'rows'}`;
}

/** `3 files, 1.2 MB` */
export function fileSummary(files: readonly { readonly size_bytes: number }[]): string {
  const total = files.reduce((sum, file) => sum + file.size_bytes, 0);
  return `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(total)}`;
}
