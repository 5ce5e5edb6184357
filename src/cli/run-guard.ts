import type { Guard, GuardedPlace } from '../observe/guard.ts';
import { isJoin, type Layer, type StepSpec } from '../observe/outcome.ts';
import type { Session } from './session.ts';

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
  const bases = new Set(specs.flatMap((spec) => basesOf(spec, layers)));
  const folders = [...bases].flatMap((base) => openStorage(base).local?.path('') ?? []);
  const places = folders.map((folder): GuardedPlace => ({ folder, what: 'the lake' }));
  const spilling = { folder: session.limits.spillFolder, what: 'spilling' } as const;
  const spills = layers.some((layer) => layer !== 'bronze');
  return openGuard(spills ? [...places, spilling] : places, process.env, {
    log: session.log,
    onShort: session.stop,
  });
}

function basesOf(spec: StepSpec, layers: readonly Layer[]): readonly string[] {
  if (isJoin(spec)) {
    const { place } = spec.output;
    return [
      place.kind === 'path'
        ? place.path.replace(/\/?[^/]*\{.*$/, '')
        : (place.base ?? place.remote ?? './silver'),
    ];
  }
  const { bronze, silver } = spec;
  return [
    ...(layers.includes('bronze') ? [bronze.base] : []),
    ...(layers.includes('silver') && silver !== undefined ? [silver.base] : []),
  ];
}
