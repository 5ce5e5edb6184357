import type { ArtifactName } from '../../config/spec.ts';
import { FILE, PREPARED, ROW, type SilverModel } from './model.ts';

/** Every row as it is, in the order in which it landed. */
export function passthrough(artifact: ArtifactName): SilverModel {
  return {
    preparation: 'none',
    artifacts: () => [{ artifact, from: PREPARED, added: [], without: [], orderBy: [FILE, ROW] }],
  };
}
