import type { BronzeRunOptions } from '../bronze/options.ts';
import { type BronzePlan, planBronze } from '../bronze/plan.ts';
import { type BronzeReport, runBronze } from '../bronze/run.ts';
import type { DatasetSpec } from '../config/spec.ts';
import { planSilver, type SilverPlan } from '../silver/plan.ts';
import { runSilver, type SilverReport } from '../silver/run.ts';

export interface IntentOptions extends BronzeRunOptions {
  readonly skipBronze: boolean;
  readonly skipSilver: boolean;
}

/**
 * Bronze, then Silver of one dataset, each report as soon as its step is committed. A failing step ends the
 * run by throwing: Silver is never attempted over a Bronze that failed.
 */
export async function* runIntent(
  spec: DatasetSpec,
  options: IntentOptions,
): AsyncGenerator<BronzeReport | SilverReport> {
  if (!options.skipBronze) yield await runBronze(spec, options);
  if (!options.skipSilver && spec.silver !== undefined) yield await runSilver(spec, options);
}

/** The plans of the same steps; Silver's says so where its Bronze has not landed yet. */
export async function* planIntent(
  spec: DatasetSpec,
  options: IntentOptions,
): AsyncGenerator<BronzePlan | SilverPlan> {
  if (!options.skipBronze) yield await planBronze(spec, options);
  if (!options.skipSilver && spec.silver !== undefined) yield await planSilver(spec, options);
}
