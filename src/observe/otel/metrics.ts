import { rowsOf, type StepOutcome } from '../outcome.ts';
import type { Metric } from './payload.ts';

/** What the steps of a run add up to, by dataset and layer. */
export function stepMetrics(outcomes: readonly StepOutcome[]): readonly Metric[] {
  const points = (value: (outcome: StepOutcome) => number | undefined) =>
    outcomes.flatMap((outcome) => {
      const number = value(outcome);
      if (number === undefined) return [];
      const { spec, layer, report, failure } = outcome;
      const attributes = {
        'foundry.dataset': spec.name,
        'foundry.layer': layer,
        'foundry.outcome': report?.status ?? 'failed',
        'error.type': failure?.code,
      };
      return [{ attributes, value: number }];
    });
  const metric = (
    name: string,
    description: string,
    unit: string,
    value: (outcome: StepOutcome) => number | undefined,
    kind: Metric['kind'] = 'sum',
  ): Metric => ({ name, description, unit, kind, points: points(value) });
  return [
    metric('foundry.steps', 'Landings, promotions and joins that ended', '{step}', () => 1),
    metric('foundry.rows', 'Rows landed or written', '{row}', ({ report }) =>
      report === undefined ? undefined : rowsOf(report),
    ),
    metric('foundry.rows.quarantined', 'Rows kept aside', '{row}', quarantinedOf),
    metric('foundry.bytes', 'Bytes of the committed files', 'By', ({ report }) =>
      report?.files.reduce((sum, file) => sum + file.size_bytes, 0),
    ),
    metric(
      'foundry.step.duration',
      'Time that a step took',
      's',
      ({ startedAt, endedAt }) => (endedAt.getTime() - startedAt.getTime()) / 1000,
      'histogram',
    ),
  ].filter(({ points: some }) => some.length > 0);
}

function quarantinedOf({ report }: StepOutcome): number | undefined {
  if (report?.layer === 'bronze') return report.quarantined ?? 0;
  return report?.layer === 'silver' ? report.rows.quarantined : undefined;
}
