import { STRING } from '../../core/schema.ts';
import { identifier } from '../../engine/sql.ts';
import {
  CHANGE,
  CHANGE_COLUMNS,
  ORDER,
  PREPARED,
  requireDeleteMode,
  type SilverModel,
  STATUS,
} from './model.ts';

/** What happened to each key, by time: `upsert`, `update`, `delete` or `noop`, and which attributes changed. */
export const derivedEvent: SilverModel = {
  preparation: 'changes',
  artifacts: (spec, { changed = { sql: `''` } }) => {
    requireDeleteMode(spec, ['ignore', 'tombstone_event', 'hard_delete']);
    return [
      {
        artifact: 'derived_events',
        from: PREPARED,
        added: [
          { field: { name: 'change_type', type: STRING }, sql: CHANGE },
          { field: { name: 'changed_columns', type: STRING }, ...changed },
        ],
        without: CHANGE_COLUMNS,
        where: `${STATUS} = 'live'`,
        orderBy: [ORDER, ...spec.keys.map(identifier)],
      },
    ];
  },
};
