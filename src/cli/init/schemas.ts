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

export type SchemaName = keyof typeof SCHEMAS;
export const SCHEMA_NAMES = Object.keys(SCHEMAS) as readonly SchemaName[];

/** The text of `schemas/<name>.schema.json`. */
export async function schemaText(name: SchemaName): Promise<string> {
  return `${JSON.stringify((await SCHEMAS[name]()).default, undefined, 2)}\n`;
}
