type Json = { readonly default: object };

/** Embedded when the program is compiled; loaded only when asked for. */
const SCHEMAS = {
  config: (): Promise<Json> => import('../../../schemas/config.schema.json', { with: { type: 'json' } }),
  classic: (): Promise<Json> => import('../../../schemas/classic.schema.json', { with: { type: 'json' } }),
  intent: (): Promise<Json> => import('../../../schemas/intent.schema.json', { with: { type: 'json' } }),
  join: (): Promise<Json> => import('../../../schemas/join.schema.json', { with: { type: 'json' } }),
  environment: (): Promise<Json> =>
    import('../../../schemas/environment.schema.json', { with: { type: 'json' } }),
  'bronze-metadata': (): Promise<Json> =>
    import('../../../schemas/bronze-metadata.schema.json', { with: { type: 'json' } }),
  'silver-metadata': (): Promise<Json> =>
    import('../../../schemas/silver-metadata.schema.json', { with: { type: 'json' } }),
  'join-metadata': (): Promise<Json> =>
    import('../../../schemas/join-metadata.schema.json', { with: { type: 'json' } }),
  'run-record': (): Promise<Json> =>
    import('../../../schemas/run-record.schema.json', { with: { type: 'json' } }),
  checksums: (): Promise<Json> =>
    import('../../../schemas/checksums.schema.json', { with: { type: 'json' } }),
} as const;

export type SchemaName = keyof typeof SCHEMAS | 'extractor';
export const SCHEMA_NAMES: readonly SchemaName[] = [
  ...(Object.keys(SCHEMAS) as (keyof typeof SCHEMAS)[]),
  'extractor',
];

/** The text of `schemas/<name>.schema.json`, or of `schemas/extractor.d.ts`. */
export async function schemaText(name: SchemaName): Promise<string> {
  if (name === 'extractor') return extractorTypes();
  return `${JSON.stringify((await SCHEMAS[name]()).default, undefined, 2)}\n`;
}

async function extractorTypes(): Promise<string> {
  const embedded: object = await import('../../sources/custom/contract.ts', { with: { type: 'text' } });
  const text = 'default' in embedded ? embedded.default : undefined;
  if (typeof text !== 'string') throw new Error('the types of extractors are not embedded');
  return text;
}
