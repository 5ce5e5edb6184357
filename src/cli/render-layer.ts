import type { BronzePlan } from '../bronze/plan.ts';
import type { BronzeReport } from '../bronze/run.ts';
import type { JoinPlan } from '../join/plan.ts';
import type { JoinReport } from '../join/report.ts';
import type { SilverPlan } from '../silver/plan.ts';
import type { SilverReport } from '../silver/run.ts';
import type { UnplannedJoin } from './join-step.ts';
import { renderBronzePlan, renderBronzeReport } from './render-bronze.ts';
import { renderJoinPlan, renderJoinReport } from './render-join.ts';
import { renderSilverPlan, renderSilverReport } from './render-silver.ts';

export function renderLayerPlan(plan: BronzePlan | SilverPlan | JoinPlan | UnplannedJoin): string {
  switch (plan.layer) {
    case 'bronze':
      return renderBronzePlan(plan);
    case 'silver':
      return renderSilverPlan(plan);
    case 'join':
      return renderJoinPlan(plan);
  }
}

export function renderLayerReport(report: BronzeReport | SilverReport | JoinReport): string {
  switch (report.layer) {
    case 'bronze':
      return renderBronzeReport(report);
    case 'silver':
      return renderSilverReport(report);
    case 'join':
      return renderJoinReport(report);
  }
}
