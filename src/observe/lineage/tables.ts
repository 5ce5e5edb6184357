import type { Manifest, ManifestColumn } from '../../lake/manifest.ts';
import { isJoin, rowsOf, type StepOutcome } from '../outcome.ts';
import { bronzeColumns, type ColumnLineage, joinColumns, silverColumns } from './columns.ts';
import { bronzeTable, type DatasetName, recordOf, silverTable, sourceDataset } from './datasets.ts';
import { facet } from './facet.ts';

/** The tables that a step read, as far as its manifest, or without one its spec, knows them. */
export function inputsOf(
  { spec, layer, report }: StepOutcome,
  manifest: Manifest | undefined,
): readonly object[] {
  if (isJoin(spec)) {
    return joinInputs(manifest).map(({ table, rows }) => ({ ...table, facets: {}, ...rowsFacet(rows) }));
  }
  if (layer === 'bronze') {
    return [{ ...sourceDataset(spec, manifest), facets: schemaFacet(manifest?.schema) }];
  }
  const rows = report?.layer === 'silver' ? report.rows.read : undefined;
  return [{ ...bronzeTable(spec), facets: schemaFacet(manifest?.input_schema), ...rowsFacet(rows) }];
}

/** The tables that a step wrote: one of Bronze, one for each artifact of Silver and of a join. */
export function outputsOf({ spec, report }: StepOutcome, manifest: Manifest): readonly object[] {
  if (report === undefined) return [];
  if (report.layer === 'bronze') {
    if (isJoin(spec)) return [];
    const lineage = bronzeColumns(manifest.schema, sourceDataset(spec, manifest));
    return [output(bronzeTable(spec), manifest, manifest.schema, lineage, undefined, rowsOf(report))];
  }
  const described = recordOf(manifest.artifacts);
  return report.artifacts.map(({ artifact, rows }) => {
    const { name, schema } = recordOf(described[artifact]);
    const columns = Array.isArray(schema) ? (schema as readonly ManifestColumn[]) : manifest.schema;
    const table = silverTable(report.location, typeof name === 'string' ? name : artifact);
    const lineage = isJoin(spec)
      ? joinColumns(
          columns,
          manifest,
          (side) => joinInputs(manifest).find((input) => input.side === side)?.table,
        )
      : silverColumns(columns, spec, manifest, bronzeTable(spec));
    return output(table, manifest, columns, lineage, artifact, rows);
  });
}

interface JoinTable {
  readonly side: string;
  readonly table: DatasetName;
  readonly rows: number | undefined;
}

/** The sides of a join, by the names that their own runs gave them. */
function joinInputs(manifest: Manifest | undefined): readonly JoinTable[] {
  return (manifest?.inputs ?? []).map((input) => {
    const { side, silver_path: location, artifact, record_count: rows } = recordOf(input);
    const table = silverTable(
      String(location ?? input.path),
      typeof artifact === 'string' ? artifact : 'data',
    );
    return { side: String(side), table, rows: typeof rows === 'number' ? rows : undefined };
  });
}

function output(
  table: DatasetName,
  manifest: Manifest,
  columns: readonly ManifestColumn[],
  lineage: ColumnLineage,
  artifact: string | undefined,
  rows: number,
): object {
  const files = manifest.files.filter((file) => file.role === 'data' && file.artifact === artifact);
  return {
    ...table,
    facets: {
      ...schemaFacet(columns),
      version: facet('1-0-1/DatasetVersionDatasetFacet', { datasetVersion: manifest.commit_id }),
      columnLineage: facet('1-2-0/ColumnLineageDatasetFacet', { ...lineage }),
    },
    outputFacets: {
      outputStatistics: facet('1-0-2/OutputStatisticsOutputDatasetFacet', {
        rowCount: rows,
        size: files.reduce((sum, file) => sum + file.size_bytes, 0),
        fileCount: files.length,
      }),
    },
  };
}

function rowsFacet(rows: number | undefined): object {
  if (rows === undefined) return {};
  const metrics = { rowCount: rows, columnMetrics: {} };
  return { inputFacets: { dataQualityMetrics: facet('1-0-3/DataQualityMetricsInputDatasetFacet', metrics) } };
}

function schemaFacet(columns: readonly ManifestColumn[] | undefined): object {
  if (columns === undefined) return {};
  const fields = columns.map(({ name, type }) => ({ name, type }));
  return { schema: facet('1-2-0/SchemaDatasetFacet', { fields }) };
}
