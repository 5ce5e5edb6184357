import { FoundryError } from '../../core/errors.ts';
import type { SilverModel } from './model.ts';

export const derivedEvent: SilverModel = {
  preparation: 'versions',
  artifacts: () => {
    throw new FoundryError('CFG010', 'entity_kind: derived_event is not supported by this version');
  },
};
