import { STRING } from '../core/schema.ts';
import { literal } from '../engine/sql.ts';
import type { AddedColumn } from './models/model.ts';
import type { PromotionSubject } from './subject.ts';

/** `<system>.<entity>-<run date>`: the same for every run of one date. */
export function loadBatchId(spec: PromotionSubject, runDate: string): string {
  return `${spec.bronze.system}.${spec.silver.entity}-${runDate}`;
}

/** The constant columns of intents (original-behaviour §5.4.8), from the config and the run date alone. */
export function metadataColumns(spec: PromotionSubject, runDate: string): readonly AddedColumn[] {
  const metadata = spec.silver.metadataColumns;
  if (metadata === undefined) return [];
  const text = (name: string, value: string): AddedColumn => ({
    field: { name, type: STRING },
    sql: literal(value),
  });
  return [
    text(metadata.loadBatchIdColumn, loadBatchId(spec, runDate)),
    text('record_source', metadata.recordSource),
    {
      field: { name: 'pipeline_run_at', type: { kind: 'timestamp', unit: 'micros', utc: false } },
      sql: `TIMESTAMP ${literal(`${runDate} 00:00:00`)}`,
    },
    text('environment', metadata.environment),
    text('domain', metadata.domain),
    text('entity', metadata.entity),
    text('bronze_owner', metadata.bronzeOwner),
    text('silver_owner', metadata.silverOwner),
  ];
}
