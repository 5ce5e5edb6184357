import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Text without what differs from run to run or from machine to machine: hashes, ids, sizes, durations, moments, ports,
 * and the folder of the run, which pages write as `…`.
 */
export function normalised(text: string, folder: string): string {
  return text
    .replaceAll(folder, '…')
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<id>')
    .replace(/\b[0-9a-f]{40,64}(?:-dirty)?\b/g, '<sha>')
    .replace(/-(?:[0-9a-f]{8}|<hash8>)(?=\.(?:parquet|csv|jsonl)\b)/g, '-<hash8>')
    .replace(/\b\d[\d.,]* (?:B|KB|MB)\b/g, '<size>')
    .replace(/"(size_bytes|sizeBytes)": \d+/g, '"$1": <size>')
    .replace(/\b\d+\.\d\d s\b/g, '<seconds>')
    .replace(/"seconds": [\d.]+/g, '"seconds": <seconds>')
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g, '<moment>')
    .replace(/^\[([A-Z]+)\] \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/gm, '[$1] <moment>')
    .replace(/ - foundry\.[0-9a-f]{8} - /g, ' - foundry.<run> - ')
    .replace(/\b127\.0\.0\.1:\d+\b/g, '<host>')
    .replace(/[ \t]+$/gm, '')
    .trim();
}

/** Whether the output is as the page shows it; a line `…` of the page stands for any lines. */
export function matches(shown: string, actual: string): boolean {
  const pattern = shown
    .split('\n')
    .map((line) => (line.trim() === '…' ? '[^]*' : line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('\n')
    .replaceAll('\n[^]*\n', '\n[^]*')
    .replace(/\n\[\^\]\*$/, '[^]*');
  return new RegExp(`^${pattern}$`).test(actual);
}

/** A folder as pages draw it: two spaces a level, nothing that begins with a dot, and of the records of runs the folder. */
export function treeOf(folder: string, names: readonly string[]): string {
  return names.flatMap((name) => [`${name}/`, ...branches(join(folder, name), '  ')]).join('\n');
}

function branches(folder: string, indent: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.name === '_runs'
        ? [`${indent}_runs/`]
        : entry.isDirectory()
          ? [`${indent}${entry.name}/`, ...branches(join(folder, entry.name), `${indent}  `)]
          : [`${indent}${entry.name}`],
    );
}
