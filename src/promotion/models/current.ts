import type { ArtifactName, SilverSpec } from '../../config/spec.ts';
import { identifier } from '../../engine/sql.ts';
import {
  type AddedColumn,
  DELETED,
  NEXT,
  ORDER,
  PREPARED,
  requireDeleteMode,
  type SilverModel,
  STATUS,
} from './model.ts';

/** The last row per key; deleted keys by `delete_mode`. */
export function current(artifact: ArtifactName): SilverModel {
  return {
    preparation: 'versions',
    artifacts: (spec) => {
      requireDeleteMode(spec, ['ignore', 'tombstone_state', 'hard_delete']);
      return [
        {
          artifact,
          from: PREPARED,
          added: tombstoneFlag(spec),
          without: flagReplaced(spec),
          where: currentRows(spec),
          orderBy: [...spec.keys.map(identifier), ORDER],
        },
      ];
    },
  };
}

/** `is_deleted` as 0 or 1, present whenever tombstones can be, so that the columns do not depend on the data. */
export function tombstoneFlag(spec: SilverSpec): readonly AddedColumn[] {
  if (spec.deleteMode !== 'tombstone_state') return [];
  return [{ field: { name: 'is_deleted', type: { kind: 'int32' } }, sql: `${DELETED}::INTEGER` }];
}

export function flagReplaced(spec: SilverSpec): readonly string[] {
  return spec.deleteMode === 'tombstone_state' ? ['is_deleted'] : [];
}

function currentRows(spec: SilverSpec): string {
  const live = `${STATUS} = 'live'`;
  return spec.keepTombstones ? `(${live} OR (${STATUS} = 'tombstone' AND ${NEXT} IS NULL))` : live;
}
