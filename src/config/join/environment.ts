import type { EnvironmentSpec } from '../spec.ts';
import { connectionsOf, mergedConnections, realPlace } from '../storage/environment.ts';
import type { JoinPlace, JoinSpec } from './spec.ts';

/** A join in its environment: real bucket names, and the file's connections below the config's own. */
export function joinInEnvironment(spec: JoinSpec, environment: EnvironmentSpec): JoinSpec {
  const { left, output, right } = spec;
  const inside = (place: JoinPlace): JoinPlace => placeInEnvironment(place, environment);
  return {
    ...spec,
    left: { ...left, place: inside(left.place) },
    right: { ...right, place: inside(right.place) },
    output: {
      ...output,
      place: inside(output.place),
      ...(output.checkpointDir !== undefined && {
        checkpointDir: realPlace(output.checkpointDir, environment),
      }),
    },
  };
}

function placeInEnvironment(place: JoinPlace, environment: EnvironmentSpec): JoinPlace {
  const connections = mergedConnections(connectionsOf(environment), place.connections);
  const real = (text: string): string => realPlace(text, environment);
  const reach = {
    ...(connections !== undefined && { connections }),
    ...(place.remote !== undefined && { remote: real(place.remote) }),
  };
  if (place.kind === 'path') return { ...place, ...reach, path: real(place.path) };
  return { ...place, ...reach, ...(place.base !== undefined && { base: real(place.base) }) };
}
