import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/**
 * What the OpenLineage specification demands of a run event (2-0-2) and of each facet that foundry sends, written here
 * after https://openlineage.io/spec: required members, types and formats. Everything that foundry sends is named, so
 * that a facet which is misspelled, or of another version than it says, is refused too.
 */
const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const dateTime = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$',
} as const;
const uuid = {
  type: 'string',
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
} as const;
const uri = { type: 'string', pattern: '^[a-z][a-z0-9+.-]*:\\S+$' } as const;

function object(properties: object, required: readonly string[]): object {
  return { type: 'object', properties, required };
}

function facet(id: string, properties: object, required: readonly string[]): object {
  const name = id.slice(id.indexOf('/') + 1);
  const schemaUrl = `https://openlineage.io/spec/facets/${id}.json#/$defs/${name}`;
  return object({ _producer: uri, _schemaURL: { const: schemaUrl }, ...properties }, [
    '_producer',
    '_schemaURL',
    ...required,
  ]);
}

/** Members that the specification knows by name; any other would be a facet of one's own, which foundry has one of. */
function facets(known: Readonly<Record<string, object>>): object {
  return { type: 'object', properties: known, additionalProperties: false };
}

const inputField = object(
  {
    namespace: text,
    name: text,
    field: text,
    transformations: {
      type: 'array',
      items: object(
        {
          type: { enum: ['DIRECT', 'INDIRECT'] },
          subtype: text,
          description: text,
          masking: { type: 'boolean' },
        },
        ['type'],
      ),
    },
  },
  ['namespace', 'name', 'field'],
);

const datasetFacets = facets({
  schema: facet(
    '1-1-1/SchemaDatasetFacet',
    { fields: { type: 'array', items: object({ name: text, type: text }, ['name']) } },
    [],
  ),
  version: facet('1-0-1/DatasetVersionDatasetFacet', { datasetVersion: text }, ['datasetVersion']),
  columnLineage: facet(
    '1-2-0/ColumnLineageDatasetFacet',
    {
      fields: {
        type: 'object',
        additionalProperties: object({ inputFields: { type: 'array', items: inputField } }, ['inputFields']),
      },
      dataset: { type: 'array', items: inputField },
    },
    ['fields'],
  ),
});

function dataset(extra: Readonly<Record<string, object>>): object {
  return {
    ...object({ namespace: text, name: text, facets: datasetFacets, ...extra }, ['namespace', 'name']),
    additionalProperties: false,
  };
}

const runFacets = facets({
  parent: facet(
    '1-0-1/ParentRunFacet',
    {
      run: object({ runId: uuid }, ['runId']),
      job: object({ namespace: text, name: text }, ['namespace', 'name']),
    },
    ['run', 'job'],
  ),
  nominalTime: facet('1-0-1/NominalTimeRunFacet', { nominalStartTime: dateTime }, ['nominalStartTime']),
  processing_engine: facet('1-1-1/ProcessingEngineRunFacet', { name: text, version: text }, ['version']),
  errorMessage: facet('1-0-1/ErrorMessageRunFacet', { message: text, programmingLanguage: text }, [
    'message',
    'programmingLanguage',
  ]),
  foundry: object({ _producer: uri, _schemaURL: uri, run_id: uuid }, ['_producer', '_schemaURL', 'run_id']),
});

const runEvent = object(
  {
    eventType: { enum: ['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER'] },
    eventTime: dateTime,
    producer: uri,
    schemaURL: { const: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent' },
    run: object({ runId: uuid, facets: runFacets }, ['runId']),
    job: object(
      {
        namespace: text,
        name: text,
        facets: facets({
          jobType: facet(
            '2-0-3/JobTypeJobFacet',
            { processingType: text, integration: text, jobType: text },
            ['processingType', 'integration'],
          ),
        }),
      },
      ['namespace', 'name'],
    ),
    inputs: {
      type: 'array',
      items: dataset({
        inputFacets: facets({
          dataQualityMetrics: facet(
            '1-0-2/DataQualityMetricsInputDatasetFacet',
            { rowCount: count, columnMetrics: { type: 'object' } },
            ['columnMetrics'],
          ),
        }),
      }),
    },
    outputs: {
      type: 'array',
      items: dataset({
        outputFacets: facets({
          outputStatistics: facet(
            '1-0-2/OutputStatisticsOutputDatasetFacet',
            { rowCount: count, size: count, fileCount: count },
            [],
          ),
        }),
      }),
    },
  },
  ['eventTime', 'producer', 'schemaURL', 'run', 'job'],
);

let validate: ValidateFunction | undefined;

/** What is wrong with an event; nothing where it is valid. */
export function lineageProblems(event: unknown): readonly string[] {
  validate ??= new Ajv2020({ strict: false, allErrors: true }).compile(runEvent);
  return validate(event)
    ? []
    : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}
