import { STRING } from '../../core/schema.ts';
import { identifier } from '../../engine/sql.ts';
import { DELETED, ORDER, PREPARED, requireDeleteMode, type SilverModel, STATUS } from './model.ts';

/** One row per key and event time (`append_log`), or per key and day (`replace_daily`), by time. */
export const event: SilverModel = {
  preparation: 'events',
  artifacts: (spec) => {
    requireDeleteMode(spec, ['ignore', 'tombstone_event', 'hard_delete']);
    const changeType = {
      field: { name: 'change_type', type: STRING },
      sql: `CASE WHEN ${DELETED} THEN 'delete' ELSE 'upsert' END`,
    };
    return [
      {
        artifact: 'events',
        from: PREPARED,
        added: spec.deleteMode === 'tombstone_event' ? [changeType] : [],
        without: [],
        where: `${STATUS} = 'live'`,
        orderBy: [ORDER, ...spec.keys.map(identifier)],
      },
    ];
  },
};
