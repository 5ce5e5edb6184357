import type { GenericSchema } from 'valibot';
import { bronzeMetadataSchema, checksumsSchema, silverMetadataSchema } from './manifest-schema.ts';

/** Manifests whose JSON Schemas are published, by the name of the file in `schemas/`. */
export const PUBLISHED_SCHEMAS: Readonly<
  Record<string, { readonly title: string; readonly schema: GenericSchema }>
> = {
  'bronze-metadata': { title: '_metadata.json of a Bronze partition', schema: bronzeMetadataSchema },
  'silver-metadata': { title: '_metadata.json of a Silver load partition', schema: silverMetadataSchema },
  checksums: { title: '_checksums.json', schema: checksumsSchema },
};
