import type { ArtifactName } from '../../config/spec.ts';
import { STRING } from '../../core/schema.ts';
import { identifier } from '../../engine/sql.ts';
import { flagReplaced, tombstoneFlag } from './current.ts';
import { NEXT, ORDER, PREPARED, requireDeleteMode, type SilverModel, STATUS } from './model.ts';

/**
 * Every version with its interval [effective_from, effective_to), the last one open; and, out of those, the
 * current ones. A tombstone is a version too, never current.
 */
export function history(names: {
  readonly history: ArtifactName;
  readonly current: ArtifactName;
}): SilverModel {
  return {
    preparation: 'versions',
    artifacts: (spec, columns) => {
      requireDeleteMode(spec, ['ignore', 'tombstone_state', 'hard_delete']);
      const type = columns.orderType ?? STRING;
      const kept = `${identifier('is_current')} = 1`;
      const tombstones = `(${identifier('is_deleted')} = 1 AND ${identifier('effective_to')} IS NULL)`;
      return [
        {
          artifact: names.history,
          from: PREPARED,
          added: [
            { field: { name: 'effective_from', type }, sql: ORDER },
            { field: { name: 'effective_to', type }, sql: NEXT },
            {
              field: { name: 'is_current', type: { kind: 'int32' } },
              sql: `(${STATUS} = 'live')::INTEGER`,
            },
            ...tombstoneFlag(spec),
          ],
          without: flagReplaced(spec),
          where: `${STATUS} IN ('live', 'superseded', 'tombstone')`,
          orderBy: [...spec.keys.map(identifier), identifier('effective_from')],
        },
        {
          artifact: names.current,
          from: names.history,
          added: [],
          without: [],
          where:
            spec.keepTombstones && spec.deleteMode === 'tombstone_state'
              ? `(${kept} OR ${tombstones})`
              : kept,
          orderBy: [],
        },
      ];
    },
  };
}
