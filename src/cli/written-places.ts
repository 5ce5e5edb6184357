import type { Connections } from '../config/storage/connections.ts';
import { isJoin, type Layer, type StepSpec } from '../observe/outcome.ts';

/** A base that runs write below, and how it is reached. */
export interface WrittenPlace {
  readonly base: string;
  readonly connections?: Connections;
}

/** Every base that these layers of datasets, and these joins, write below, once. */
export function writtenPlaces(specs: readonly StepSpec[], layers: readonly Layer[]): readonly WrittenPlace[] {
  const places = specs.flatMap((spec): WrittenPlace[] => {
    const { connections } = isJoin(spec) ? spec.output.place : spec;
    return basesOf(spec, layers).map((base) => ({ base, ...(connections !== undefined && { connections }) }));
  });
  return [...new Map(places.map((place) => [place.base, place])).values()];
}

function basesOf(spec: StepSpec, layers: readonly Layer[]): readonly string[] {
  if (isJoin(spec)) {
    const { checkpointDir, place } = spec.output;
    return [
      place.kind === 'path'
        ? place.path.replace(/\/?[^/]*\{.*$/, '')
        : (place.base ?? place.remote ?? './silver'),
      ...(checkpointDir === undefined ? [] : [checkpointDir]),
    ];
  }
  const { bronze, silver } = spec;
  return [
    ...(layers.includes('bronze') ? [bronze.base] : []),
    ...(layers.includes('silver') && silver !== undefined ? [silver.base] : []),
  ];
}
