import type { JoinSpec } from '../config/join/spec.ts';
import type { DatasetSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { Layer, StepSpec } from '../observe/outcome.ts';
import type { TouchedLayers } from '../storage/policy.ts';
import { webhookUrls } from './hook-flags.ts';
import type { Session } from './session.ts';
import { writtenPlaces } from './written-places.ts';

export interface StorageFlags {
  readonly 'storage-scope'?: string | undefined;
  readonly 'onprem-only'?: boolean | undefined;
  readonly 'create-container'?: boolean | undefined;
}

function isOnpremOnly(flags: StorageFlags): boolean {
  return flags['onprem-only'] === true || flags['storage-scope'] === 'onprem';
}

/** Before anything else, so that not even a failure is told where it must not be. @throws POL001 */
export async function refuseWebhooks(flags: StorageFlags, session: Session): Promise<void> {
  if (!isOnpremOnly(flags)) return;
  const { addressProblem } = await import('../storage/policy.ts');
  const problems = webhookUrls(session.hooks).flatMap((url) => {
    const problem = addressProblem(url, process.env);
    return problem === undefined ? [] : [`a webhook ${problem}`];
  });
  refuse('--storage-scope onprem', problems);
}

/** Of every dataset at once, before anything is contacted. @throws POL001 */
export async function enforceScope(
  flags: StorageFlags,
  datasets: readonly DatasetSpec[],
  touched: TouchedLayers,
  joins: readonly JoinSpec[] = [],
): Promise<void> {
  if (!isOnpremOnly(flags)) return;
  const { joinProblems, onpremProblems } = await import('../storage/policy.ts');
  const problems = [
    ...datasets.flatMap((spec) =>
      onpremProblems(spec, touched, process.env).map((problem) => `${spec.name}: ${problem}`),
    ),
    ...joins.flatMap((spec) => joinProblems(spec, process.env).map((problem) => `${spec.name}: ${problem}`)),
  ];
  refuse('--storage-scope onprem', problems);
}

function refuse(policy: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new FoundryError('POL001', `${policy} refuses ${problems.join('; ')}`, {
    details: { policy: 'onprem' },
  });
}

/** The containers that a run is about to write to, where --create-container asks for it; never in a dry run. */
export async function createContainers(
  flags: StorageFlags,
  specs: readonly StepSpec[],
  layers: readonly Layer[],
  session: Session,
): Promise<void> {
  if (flags['create-container'] !== true || session.isPlan) return;
  const { createContainer } = await import('../storage/create-container.ts');
  for (const place of writtenPlaces(specs, layers)) await createContainer(place, session);
}
