import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storageFailure } from '../../storage/failure.ts';
import type { ReadRequest } from '../source.ts';

/** A private file that tells a program what the run before it kept. */
export interface StateFile {
  readonly path: string;
  remove(): Promise<void>;
}

/** Undefined where the source keeps no state. @throws STG001 */
export async function stateFile(request: ReadRequest): Promise<StateFile | undefined> {
  if (request.onState === undefined) return undefined;
  const root = request.spool ?? tmpdir();
  try {
    const folder = await mkdtemp(join(root, 'foundry-state-'));
    const path = join(folder, 'state.json');
    const { value, text } = request.state ?? { value: {} };
    await writeFile(path, text ?? JSON.stringify(value ?? {}), { mode: 0o600 });
    return { path, remove: () => rm(folder, { recursive: true, force: true }) };
  } catch (error) {
    throw storageFailure('write', root, error);
  }
}
