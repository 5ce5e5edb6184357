import { formatType } from '../core/schema.ts';
import { jsonBytes } from '../lake/generation.ts';
import type { SamplePattern, SampleSizes } from './patterns.ts';
import { SAMPLE_SYSTEM, SAMPLE_TABLE, type SampleFolder } from './plan.ts';

/** `_metadata.json` in the original's form. Its time is the samples' own: the same run gives the same bytes. */
export function metadataOf({ date, parts, reference }: SampleFolder, rows: number): Uint8Array {
  return jsonBytes({
    timestamp: `${date}T00:00:00Z`,
    record_count: rows,
    chunk_count: parts.length,
    ...(reference === undefined ? {} : { run_date: date, reference_mode: reference }),
  });
}

export interface HashedFile {
  readonly name: string;
  readonly size_bytes: number;
  readonly sha256: string;
}

/** `_checksums.json` in the original's form. */
export function checksumsOf(folder: SampleFolder, rows: number, files: readonly HashedFile[]): Uint8Array {
  const fields = new Map(
    folder.parts.flatMap(({ schema }) => schema.fields.map((field) => [field.name, field])),
  );
  return jsonBytes({
    timestamp: `${folder.date}T00:00:00Z`,
    load_pattern: folder.pattern.loadPattern,
    files: files.map(({ name, size_bytes, sha256 }) => ({ path: name, size_bytes, sha256 })),
    system: SAMPLE_SYSTEM,
    table: SAMPLE_TABLE,
    run_date: folder.date,
    config_name: null,
    schema: [...fields.values()].map(({ name, type }) => ({ name, dtype: formatType(type) })),
    stats: { record_count: rows, chunk_count: folder.parts.length, artifact_count: files.length },
  });
}

const CONTENTS: Readonly<Record<number, string>> = {
  1: 'Every order there is, each day anew. A tenth of them changed since the day before.',
  2: 'What changed each day: inserts, updates of orders that are there, deletes.',
  3: 'The current version of each order (`current_flag` 1) and older ones.',
  4: 'Two full references, and each day what changed on it.',
  5: 'Two full references, and each day all that changed since the first.',
  6: 'Two full references, and each day the rows to merge.',
  7: 'Two full references, and each day all rows to merge since the first.',
};

export function readmeOf(pattern: SamplePattern, sizes: SampleSizes): string {
  const days = pattern.hybrid === undefined ? sizes.days : sizes.hybridDays;
  return [
    `# ${pattern.folder}`,
    '',
    `${CONTENTS[pattern.number] ?? ''} Made by \`foundry samples\`; the people and orders are invented.`,
    '',
    `- system ${SAMPLE_SYSTEM}, table ${SAMPLE_TABLE}, load pattern ${pattern.loadPattern}`,
    `- ${days} ${days === 1 ? 'day' : 'days'} from ${sizes.startDate}`,
    '',
  ].join('\n');
}
