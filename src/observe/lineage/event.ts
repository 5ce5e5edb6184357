import { BUILD_INFO } from '../../core/build-info.ts';
import type { Manifest, ManifestColumn } from '../../lake/manifest.ts';
import { failureLine, type RunFacts, rowsOf, type StepOutcome } from '../outcome.ts';
import { bronzeColumns, type ColumnLineage, silverColumns } from './columns.ts';
import { bronzeTable, type DatasetName, recordOf, silverTable, sourceDataset } from './datasets.ts';

/** foundry has no address of its own that would say more. */
const PRODUCER = `urn:foundry:version:${BUILD_INFO.version}`;
const SPEC = 'https://openlineage.io/spec';

export interface LineageContext {
  readonly facts: RunFacts;
  readonly namespace: string;
  /** Who started this process, by OPENLINEAGE_PARENT_ID. */
  readonly parent: { readonly namespace: string; readonly name: string; readonly runId: string } | undefined;
}

export interface LineageStep {
  /** Of this step, UUID: a job of OpenLineage is one dataset's landing or promotion. */
  readonly stepId: string;
  readonly step: Pick<StepOutcome, 'spec' | 'layer' | 'startedAt'>;
}

/** The event that a step begins. */
export function startEvent(context: LineageContext, { stepId, step }: LineageStep): object {
  return event(context, stepId, step, { eventType: 'START', eventTime: step.startedAt, runFacets: {} });
}

/** The event that a step ended: with tables, columns and counts where it committed, with the error where not. */
export function endEvent(
  context: LineageContext,
  stepId: string,
  outcome: StepOutcome,
  manifest: Manifest | undefined,
): object {
  const { failure, endedAt } = outcome;
  if (failure !== undefined) {
    return event(context, stepId, outcome, {
      eventType: failure.code === 'INT001' ? 'ABORT' : 'FAIL',
      eventTime: endedAt,
      runFacets: {
        errorMessage: facet('1-0-1/ErrorMessageRunFacet', {
          message: failureLine(failure),
          programmingLanguage: 'TypeScript',
        }),
      },
      inputs: inputsOf(outcome, undefined),
    });
  }
  return event(context, stepId, outcome, {
    eventType: 'COMPLETE',
    eventTime: endedAt,
    runFacets: {},
    inputs: inputsOf(outcome, manifest),
    outputs: manifest === undefined ? [] : outputsOf(outcome, manifest),
  });
}

interface Parts {
  readonly eventType: 'START' | 'COMPLETE' | 'FAIL' | 'ABORT';
  readonly eventTime: Date;
  readonly runFacets: object;
  readonly inputs?: readonly object[];
  readonly outputs?: readonly object[];
}

function event(
  { facts, namespace, parent }: LineageContext,
  stepId: string,
  { spec, layer }: LineageStep['step'],
  { eventType, eventTime, runFacets, inputs = [], outputs = [] }: Parts,
): object {
  const run = parent ?? { namespace, name: `foundry.${facts.command}`, runId: facts.runId };
  return {
    eventType,
    eventTime: eventTime.toISOString(),
    producer: PRODUCER,
    schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
    run: {
      runId: stepId,
      facets: {
        parent: facet('1-0-1/ParentRunFacet', {
          run: { runId: run.runId },
          job: { namespace: run.namespace, name: run.name },
        }),
        nominalTime: facet('1-0-1/NominalTimeRunFacet', {
          nominalStartTime: `${facts.runDate}T00:00:00Z`,
        }),
        processing_engine: facet('1-1-1/ProcessingEngineRunFacet', {
          name: 'foundry',
          version: BUILD_INFO.version,
        }),
        foundry: {
          _producer: PRODUCER,
          _schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet`,
          run_id: facts.runId,
          command: facts.command,
          config: spec.configPath,
        },
        ...runFacets,
      },
    },
    job: {
      namespace,
      name: `${layer}.${layer === 'silver' && spec.silver !== undefined ? `${spec.silver.domain}.${spec.silver.entity}` : `${spec.bronze.system}.${spec.bronze.table}`}`,
      facets: {
        jobType: facet('2-0-3/JobTypeJobFacet', {
          processingType: 'BATCH',
          integration: 'FOUNDRY',
          jobType: layer.toUpperCase(),
        }),
      },
    },
    inputs,
    outputs,
  };
}

function inputsOf(outcome: StepOutcome, manifest: Manifest | undefined): readonly object[] {
  const { spec, layer, report } = outcome;
  if (layer === 'bronze') {
    const columns = manifest?.schema;
    return [{ ...sourceDataset(outcome, manifest), facets: schemaFacet(columns) }];
  }
  const rows = report?.layer === 'silver' ? report.rows.read : undefined;
  return [
    {
      ...bronzeTable(spec),
      facets: schemaFacet(manifest?.input_schema),
      ...(rows !== undefined && {
        inputFacets: {
          dataQualityMetrics: facet('1-0-2/DataQualityMetricsInputDatasetFacet', {
            rowCount: rows,
            columnMetrics: {},
          }),
        },
      }),
    },
  ];
}

function outputsOf(outcome: StepOutcome, manifest: Manifest): readonly object[] {
  const { spec, report } = outcome;
  if (report?.layer === 'bronze') {
    const lineage = bronzeColumns(manifest.schema, sourceDataset(outcome, manifest));
    return [output(bronzeTable(spec), manifest, manifest.schema, lineage, undefined, rowsOf(report))];
  }
  if (report?.layer !== 'silver') return [];
  const described = recordOf(manifest.artifacts);
  return report.artifacts.map(({ artifact, rows }) => {
    const { name, schema } = recordOf(described[artifact]);
    const columns = Array.isArray(schema) ? (schema as readonly ManifestColumn[]) : manifest.schema;
    const table = silverTable(report.location, typeof name === 'string' ? name : artifact);
    return output(
      table,
      manifest,
      columns,
      silverColumns(columns, spec, manifest, bronzeTable(spec)),
      artifact,
      rows,
    );
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

function schemaFacet(columns: readonly ManifestColumn[] | undefined): object {
  if (columns === undefined) return {};
  return {
    schema: facet('1-1-1/SchemaDatasetFacet', { fields: columns.map(({ name, type }) => ({ name, type })) }),
  };
}

/** @param id version and name, as its schema is published: `1-0-1/ParentRunFacet` */
function facet(id: string, content: object): object {
  const name = id.slice(id.indexOf('/') + 1);
  return { _producer: PRODUCER, _schemaURL: `${SPEC}/facets/${id}.json#/$defs/${name}`, ...content };
}
