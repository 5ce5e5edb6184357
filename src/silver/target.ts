import type { RunDate } from '../core/run-date.ts';
import { silverPartitionPath } from '../lake/layout.ts';
import type { SilverDataset } from '../promotion/promotion.ts';

/** Key of the load partition below the Silver base. */
export function silverTarget(dataset: SilverDataset, runDate: RunDate): string {
  const { silver } = dataset;
  return silverPartitionPath({
    ...(silver.pathKeys !== undefined && { keys: silver.pathKeys }),
    ...(dataset.environment === undefined ? {} : { environment: dataset.environment }),
    domain: silver.domain,
    entity: silver.entity,
    version: silver.version,
    ...(silver.patternFolder === undefined ? {} : { patternFolder: silver.patternFolder }),
    loadPartitionName: silver.loadPartitionName,
    date: runDate.date,
  });
}

/** One name per entity: two runs of one dataset never write side by side. */
export function silverLease(dataset: SilverDataset): string {
  const { silver } = dataset;
  return ['silver', dataset.environment ?? '', silver.domain, silver.entity, `v${silver.version}`].join('/');
}
