import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { classicSchema } from '../src/config/classic/schema.ts';
import { environmentSchema } from '../src/config/environment-schema.ts';
import { intentSchema } from '../src/config/intent/schema.ts';
import { joinSchema } from '../src/config/join/schema.ts';
import { PUBLISHED_SCHEMAS } from '../src/lake/published-schemas.ts';
import { configReference } from './config-reference.ts';
import { sharedSchema } from './schema-sharing.ts';

const ROOT = join(import.meta.dir, '..');
const DRAFT = 'http://json-schema.org/draft-07/schema#';

/** What an editor must accept where a number, a flag or a name is wanted: `${NAME}` and its kin. */
const SUBSTITUTION = { type: 'string', pattern: '^\\$\\{[^}]+\\}$' };

type Json = { readonly [key: string]: unknown };

/** Every generated file by its path from the project's root: JSON Schemas, the types of extractors, and the config reference. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const classic = configSchema(classicSchema);
  const intent = configSchema(intentSchema);
  const joinConfig = configSchema(joinSchema);
  const { silver_join } = joinConfig.properties as Json;
  // A join may stand alone, or beside the datasets of a file: run-intent takes it as the last step.
  const beside = (schema: Json): Json => ({
    ...schema,
    properties: { ...(schema.properties as Json), silver_join },
  });
  const schemas: Readonly<Record<string, Json>> = {
    classic: { $schema: DRAFT, title: 'foundry classic config', ...beside(classic) },
    intent: { $schema: DRAFT, title: 'foundry intent config', ...beside(intent) },
    config: sharedSchema({
      $schema: DRAFT,
      title: 'foundry config',
      anyOf: [...[classic, severalSources(classic), intent, severalDatasets(intent)].map(beside), joinConfig],
    }),
    join: { $schema: DRAFT, title: 'foundry join config', ...joinConfig },
    environment: { $schema: DRAFT, title: 'foundry environment', ...configSchema(environmentSchema) },
    ...Object.fromEntries(
      Object.entries(PUBLISHED_SCHEMAS).map(([name, { title, schema }]) => [
        name,
        { $schema: DRAFT, title, ...convert(schema) },
      ]),
    ),
  };
  return new Map([
    ...Object.entries(schemas).map(
      ([name, schema]) =>
        [`schemas/${name}.schema.json`, `${JSON.stringify(schema, undefined, 2)}\n`] as const,
    ),
    ['docs/config-reference.md', configReference()] as const,
    ['schemas/extractor.d.ts', await Bun.file(join(ROOT, 'src/sources/custom/contract.ts')).text()] as const,
  ]);
}

function convert(schema: GenericSchema): Json {
  const options: ConversionConfig = {
    typeMode: 'input',
    target: 'draft-07',
    ignoreActions: ['check', 'partial_check', 'brand', 'readonly', 'trim', 'finite'],
  };
  const { $schema: _draft, ...converted } = toJsonSchema(schema, options);
  return converted;
}

function configSchema(schema: GenericSchema): Json {
  return refine(convert(schema)) as Json;
}

/** A classic file with `sources`: the platform is shared, and so is the base of every entry's silver. */
function severalSources(classic: Json): Json {
  const { source, silver, derived_paths, ...shared } = classic.properties as Json;
  const entry = object({ name: { type: 'string' }, source, silver, derived_paths }, ['source']);
  return object({ ...shared, silver, sources: { type: 'array', minItems: 1, items: entry } }, [
    'platform',
    'sources',
  ]);
}

/** An intent file with `datasets`: environment and domain may stand above the entries. */
function severalDatasets(intent: Json): Json {
  const { config_version, environment, domain, polybase_setup, bronze_status, run_mode, test_range_days } =
    intent.properties as Json;
  const leftOut = { system: {}, entity: {}, polybase_setup, bronze_status, run_mode, test_range_days };
  const datasets = { type: 'array', minItems: 1, items: intent };
  return object({ config_version, environment, domain, ...leftOut, datasets }, ['datasets']);
}

function object(properties: Json, required: readonly string[]): Json {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** Turns the notes of a key into what editors show, and lets scalars come from the environment. */
function refine(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(refine);
  if (typeof node !== 'object' || node === null) return node;
  const { notes, description, ...rest } = node as Json & { readonly notes?: Json };
  const refined = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, refineKey(key, value)]),
  );
  const documented = {
    ...(typeof description === 'string' && { description: describe(description, notes) }),
    ...((notes?.obsolete !== undefined || notes?.moved !== undefined) && { deprecated: true }),
  };
  const isScalar = ['integer', 'number', 'boolean'].includes(String(rest.type)) || Array.isArray(rest.enum);
  return isScalar ? { ...documented, anyOf: [refined, SUBSTITUTION] } : { ...documented, ...refined };
}

function refineKey(key: string, value: unknown): unknown {
  if (key === 'enum' || key === 'required') return value;
  if (key !== 'properties') return refine(value);
  return Object.fromEntries(Object.entries(value as Json).map(([name, child]) => [name, refine(child)]));
}

function describe(description: string, notes: Json | undefined): string {
  return [
    description,
    notes?.fallback === undefined ? '' : `Default: ${notes.fallback}.`,
    notes?.obsolete === undefined ? '' : `No effect: ${notes.obsolete}.`,
  ]
    .filter((part) => part !== '')
    .join(' ');
}

if (import.meta.main) {
  for (const [path, text] of await generatedFiles()) {
    const target = join(ROOT, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
    console.log(`wrote ${path}`);
  }
}
