import { BUILD_INFO } from '../../core/build-info.ts';

/** foundry has no address of its own that would say more. */
export const PRODUCER = `urn:foundry:version:${BUILD_INFO.version}`;
export const SPEC = 'https://openlineage.io/spec';

/** @param id version and name, as its schema is published: `1-2-0/ParentRunFacet` */
export function facet(id: string, content: object): object {
  const name = id.slice(id.indexOf('/') + 1);
  return { _producer: PRODUCER, _schemaURL: `${SPEC}/facets/${id}.json#/$defs/${name}`, ...content };
}
