import { parseType, STRING, type TableSchema } from '../core/schema.ts';
import type { Manifest, ManifestColumn } from './manifest.ts';

/** The columns of a partition's data files by its manifest; undefined where it says none. */
export function schemaOf(manifest: Manifest | undefined): TableSchema | undefined {
  if (manifest === undefined || manifest.schema.length === 0) return undefined;
  return schemaOfColumns(manifest.schema);
}

/** A type of a later version that this one does not know is read as text. */
export function schemaOfColumns(columns: readonly ManifestColumn[]): TableSchema {
  return { fields: columns.map(({ name, type }) => ({ name, type: parseType(type) ?? STRING })) };
}
