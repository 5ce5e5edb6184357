import type { JoinSpec } from '../config/join/spec.ts';
import { BUILD_INFO } from '../core/build-info.ts';
import { sha256Hex } from '../lake/generation.ts';
import type { Fingerprints } from './checkpoint.ts';
import type { JoinInput, OpenedInputs } from './inputs.ts';
import type { PreparedJoin } from './prepare.ts';

/** A join whose inputs are open, and whose rows can be looked for. */
export interface OpenedJoin extends OpenedInputs {
  readonly prepared: PreparedJoin;
}

/** Guards say nothing of the chunks: a join whose limits were changed need not be computed again. */
export function fingerprintsOf({ left, output, right }: JoinSpec, opened: OpenedJoin): Fingerprints {
  const {
    allowEmpty: _empty,
    checkpointDir: _checkpoint,
    guards: _guards,
    spillDir: _spill,
    ...config
  } = output;
  const hash = (value: unknown): string => sha256Hex(JSON.stringify(value));
  return {
    inputs: hash([opened.left, opened.right].map(identityOf)),
    config: hash({ left, right, config }),
    version: `${BUILD_INFO.version} ${BUILD_INFO.commit}`,
    plan: hash({ ...opened.prepared.strategy, why: '', model: opened.prepared.model.used }),
  };
}

function identityOf({ artifact, location, manifest, partition }: JoinInput): unknown {
  const files = partition.files.map(({ path, sha256, sizeBytes }) => [path, sizeBytes, sha256 ?? null]);
  return [location, manifest?.commit_id ?? null, artifact ?? null, files];
}
