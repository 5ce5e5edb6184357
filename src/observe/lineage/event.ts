import { BUILD_INFO } from '../../core/build-info.ts';
import type { Manifest } from '../../lake/manifest.ts';
import { failureLine, jobName, type RunFacts, type Step, type StepOutcome } from '../outcome.ts';
import { facet, PRODUCER, SPEC } from './facet.ts';
import { inputsOf, outputsOf } from './tables.ts';

export interface LineageContext {
  readonly facts: RunFacts;
  readonly namespace: string;
  /** Who started this process, by OPENLINEAGE_PARENT_ID. */
  readonly parent: { readonly namespace: string; readonly name: string; readonly runId: string } | undefined;
}

export interface LineageStep {
  /** Of this step, UUID: a job of OpenLineage is one dataset's landing or promotion. */
  readonly stepId: string;
  readonly step: Step;
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
        parent: facet('1-2-0/ParentRunFacet', {
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
      name: `${layer}.${jobName({ layer, spec })}`,
      facets: {
        jobType: facet('2-0-4/JobTypeJobFacet', {
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
