import type { GenericSchema } from 'valibot';
import {
  bronzeMetadataSchema,
  checksumsSchema,
  joinMetadataSchema,
  silverMetadataSchema,
} from './manifest-schema.ts';
import { runRecordSchema } from './run-record.ts';

/** Manifests whose JSON Schemas are published, by the name of the file in `schemas/`. */
export const PUBLISHED_SCHEMAS: Readonly<
  Record<string, { readonly title: string; readonly schema: GenericSchema }>
> = {
  'bronze-metadata': { title: '_metadata.json of a Bronze partition', schema: bronzeMetadataSchema },
  'silver-metadata': { title: '_metadata.json of a Silver load partition', schema: silverMetadataSchema },
  'join-metadata': { title: '_metadata.json of a joined table', schema: joinMetadataSchema },
  'run-record': { title: 'A record of _runs/', schema: runRecordSchema },
  checksums: { title: '_checksums.json', schema: checksumsSchema },
};
