import type { BronzePlan } from '../bronze/plan.ts';
import type { BronzeReport } from '../bronze/run.ts';
import type { SilverPlan } from '../silver/plan.ts';
import type { SilverReport } from '../silver/run.ts';
import { renderBronzePlan, renderBronzeReport } from './render-bronze.ts';
import { renderSilverPlan, renderSilverReport } from './render-silver.ts';

export function renderLayerPlan(plan: BronzePlan | SilverPlan): string {
  return plan.layer === 'bronze' ? renderBronzePlan(plan) : renderSilverPlan(plan);
}

export function renderLayerReport(report: BronzeReport | SilverReport): string {
  return report.layer === 'bronze' ? renderBronzeReport(report) : renderSilverReport(report);
}
