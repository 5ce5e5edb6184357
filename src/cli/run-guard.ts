import type { Guard, GuardedPlace } from '../observe/guard.ts';
import type { Layer, StepSpec } from '../observe/outcome.ts';
import type { Session } from './session.ts';
import { writtenPlaces } from './written-places.ts';

/**
 * Looks at the disks that a run writes to, and at the memory, before it and while it runs.
 * @throws STG001, ENG002 where there is too little to begin
 */
export async function openRunGuard(
  specs: readonly StepSpec[],
  session: Session,
  layers: readonly Layer[],
): Promise<Guard> {
  const { openGuard } = await import('../observe/guard.ts');
  const { openStorage } = await import('../storage/open.ts');
  const bases = writtenPlaces(specs, layers).map(({ base }) => base);
  const folders = bases.flatMap((base) => openStorage(base).local?.path('') ?? []);
  const places = folders.map((folder): GuardedPlace => ({ folder, what: 'the lake' }));
  const spilling = { folder: session.limits.spillFolder, what: 'spilling' } as const;
  const spills = layers.some((layer) => layer !== 'bronze');
  return openGuard(spills ? [...places, spilling] : places, process.env, {
    log: session.log,
    onShort: session.stop,
  });
}
