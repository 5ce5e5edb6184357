import { FoundryError } from '../core/errors.ts';
import { keyOf } from './attempt.ts';
import type { Lake } from './lake.ts';
import { comparePartPaths } from './layout.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME, type ManifestFile } from './manifest.ts';
import { parseChecksums } from './manifest-schema.ts';

/** A data file of a partition that foundry did not write. */
export interface LooseFile {
  readonly path: string;
  readonly format: ManifestFile['format'];
  readonly size_bytes?: number;
  readonly sha256?: string;
  readonly rows?: number;
  readonly artifact?: string;
  readonly partition_values?: ManifestFile['partition_values'];
}

export interface LoosePartition {
  readonly files: readonly LooseFile[];
  readonly hasChecksums: boolean;
  readonly loadPattern: string | undefined;
  warning(where: string): string;
}

const FORMATS: Readonly<Record<string, ManifestFile['format']>> = {
  parquet: 'parquet',
  csv: 'csv',
  jsonl: 'jsonl',
};

/** The format that a file's name ends with; undefined for what is no data, or not finished. */
export function dataFormat(name: string): ManifestFile['format'] | undefined {
  if (/(?:^|\/)[._]/.test(name)) return undefined;
  return FORMATS[name.slice(name.lastIndexOf('.') + 1).toLowerCase()];
}

/**
 * Decision 27: what `_checksums.json` lists, else the Parquet (else CSV) files directly in the folder, in row order.
 * Undefined where neither is there. @throws STATE001 when `_checksums.json` is broken or lists nothing.
 */
export async function looseFiles(lake: Lake, path: string): Promise<LoosePartition | undefined> {
  const { storage } = lake;
  const found = await storage.readBytes(keyOf(path, CHECKSUMS_NAME));
  if (found !== undefined) {
    const where = `${storage.description}/${keyOf(path, CHECKSUMS_NAME)}`;
    const checksums = parseChecksums(found.bytes, where);
    if (checksums.files.length === 0) throw new FoundryError('STATE001', `${where} lists no files`);
    const files = checksums.files.flatMap((file): LooseFile[] => {
      const format = dataFormat(file.path);
      return format === undefined
        ? []
        : [{ path: file.path, format, size_bytes: file.size_bytes, sha256: file.sha256 }];
    });
    return {
      files: inRowOrder(files),
      hasChecksums: true,
      loadPattern: checksums.load_pattern,
      warning: (folder) =>
        `${folder} has no ${MANIFEST_NAME} of foundry; its ${CHECKSUMS_NAME} gives the files`,
    };
  }
  const files: LooseFile[] = [];
  for await (const { key } of storage.list(path)) {
    const name = key.slice(path.length + 1);
    const format = dataFormat(name);
    if (!name.includes('/') && format !== undefined) files.push({ path: name, format });
  }
  if (files.length === 0) return undefined;
  return {
    files: inRowOrder(files),
    hasChecksums: false,
    loadPattern: undefined,
    warning: (folder) =>
      `${folder} has no ${MANIFEST_NAME} of foundry and no ${CHECKSUMS_NAME}; every data file in it is taken`,
  };
}

function inRowOrder(files: readonly LooseFile[]): LooseFile[] {
  return [...files].sort((a, b) => comparePartPaths(a.path, b.path));
}
