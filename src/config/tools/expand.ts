import { isSeq } from 'yaml';
import { editYaml } from './edit-yaml.ts';

export interface DerivedPaths {
  readonly bronze: string;
  readonly silver?: string;
}

/**
 * The text of a config with `derived_paths` in each of its datasets, everything else as it was.
 *
 * @param paths one for each dataset, in the file's order.
 */
export function withDerivedPaths(text: string, paths: readonly DerivedPaths[]): string | undefined {
  return editYaml(text, (document) => {
    const list = ['datasets', 'sources'].find((key) => isSeq(document.get(key)));
    paths.forEach((derived, index) => {
      const base = list === undefined ? [] : [list, index];
      document.setIn([...base, 'derived_paths'], document.createNode(derived));
    });
  });
}
