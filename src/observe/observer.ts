import type { Log } from '../core/log.ts';
import type { RunFacts, Step, StepOutcome } from './outcome.ts';

/** Who follows the steps of a run: records, lineage, catalog. None of them changes an outcome, and none throws. */
export interface Observer {
  started(step: Step): Promise<void>;
  ended(outcome: StepOutcome): Promise<void>;
  /** Waits for what is still on its way. */
  finish(): Promise<void>;
}

/** What nobody asked for is not even loaded. */
export async function openObserver(
  facts: RunFacts,
  env: Readonly<Record<string, string | undefined>>,
  context: { readonly log: Log; readonly signal: AbortSignal },
): Promise<Observer> {
  const { lineageSettings, openLineage } = await import('./lineage/sink.ts');
  const settings = lineageSettings(env);
  const lineage = settings === undefined ? undefined : openLineage(settings, facts, context);
  const catalog = env.FOUNDRY_CATALOG_FILE || undefined;
  const { otelSettings } = await import('./otel/settings.ts');
  const otel = otelSettings(env);
  const telemetry =
    otel === undefined
      ? undefined
      : (await import('./otel/telemetry.ts')).openTelemetry(otel, facts, context);
  const { recordStart, recordStep } = await import('./runs/record.ts');
  const outcomes: StepOutcome[] = [];
  return {
    async started(step) {
      lineage?.started(step);
      await recordStart(facts, step);
    },
    async ended(outcome) {
      outcomes.push(outcome);
      const step = await recordStep(facts, outcome, context.log);
      lineage?.ended(step);
      if (catalog !== undefined) {
        const { appendCatalog } = await import('./catalog.ts');
        await appendCatalog(catalog, facts, step, context.log);
      }
    },
    async finish() {
      await lineage?.finish();
      if (telemetry === undefined) return;
      const { stepMetrics } = await import('./otel/metrics.ts');
      await telemetry.finish(stepMetrics(outcomes));
    },
  };
}
