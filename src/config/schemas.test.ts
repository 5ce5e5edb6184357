// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the substitutions of configs look like that
import { beforeAll, describe, expect, test } from 'bun:test';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { generatedFiles } from '../../build/schemas.ts';
import { loadConfig } from './load.ts';

const ROOT = join(import.meta.dir, '../..');
const INTENTS = join(ROOT, 'fixtures/intents');
const CONFIGS = (await readdir(INTENTS)).filter((name) => name.endsWith('.yaml'));

type Validate = ReturnType<Ajv['compile']>;
const compiled = new Map<string, Promise<Validate>>();

/** Compiling the schema of all configs takes longer than everything that is asked of it. */
function validator(name: string): Promise<Validate> {
  const known = compiled.get(name) ?? compile(name);
  compiled.set(name, known);
  return known;
}

async function compile(name: string): Promise<Validate> {
  const schema = JSON.parse(await readFile(join(ROOT, `schemas/${name}.schema.json`), 'utf8'));
  return new Ajv({ strict: false, allErrors: true }).compile(schema);
}

beforeAll(() => Promise.all(['config', 'classic', 'intent'].map(validator)), 60_000);

describe('generated files', () => {
  test('are what `npm run schemas` would write now', async () => {
    for (const [path, text] of await generatedFiles()) {
      expect(`${path}\n${await readFile(join(ROOT, path), 'utf8')}`).toBe(`${path}\n${text}`);
    }
  });
});

describe('every config of fixtures/intents', () => {
  test.each(CONFIGS)('%s loads without a warning and fits the JSON Schemas', async (name) => {
    const path = join(INTENTS, name);
    const { datasets, warnings } = await loadConfig(path, {});
    expect(warnings).toEqual([]);
    expect(datasets).toHaveLength(name.startsWith('several') ? 2 : 1);
    const text = await readFile(path, 'utf8');
    expect(text).toStartWith('# yaml-language-server: $schema=../../schemas/config.schema.json\n');
    const fits = async (schema: string) => (await validator(schema))(parse(text));
    expect(await fits('config')).toBe(true);
    expect(await fits('classic')).toBe(name.startsWith('classic'));
    expect(await fits('intent')).toBe(name.startsWith('intent'));
  });
});

describe('the JSON Schemas', () => {
  test('flag a misspelt key, a wrong choice and a missing section', async () => {
    const validate = await validator('config');
    const text = await readFile(join(INTENTS, 'classic-csv-snapshot.yaml'), 'utf8');
    for (const [from, to] of [
      ['load_pattern', 'load_patern'],
      ['load_pattern: full', 'load_pattern: weird'],
      ['system: noaa', 'system: 5'],
      ['platform:', 'plattform:'],
    ] as const) {
      expect(validate(parse(text.replace(from, to)))).toBe(false);
    }
  });

  test('take a join beside the dataset of a file, as run-intent does, and check it too', async () => {
    for (const name of ['classic-csv-snapshot', 'intent-state-scd1']) {
      const config = parse(await readFile(join(INTENTS, `${name}.yaml`), 'utf8'));
      const fits = async (output: object): Promise<unknown[]> => {
        const silver_join = { left: { path: './a' }, right: { path: './b' }, output };
        const schemas = await Promise.all(['config', name.split('-')[0] ?? ''].map(validator));
        return schemas.map((validate) => validate({ ...config, silver_join }));
      };
      expect(await fits({ path: './out', join_keys: ['id'] })).toEqual([true, true]);
      expect(await fits({ path: './out', join_kees: ['id'] })).toEqual([false, false]);
    }
  });

  test('let numbers, flags and choices come from the environment', async () => {
    const validate = await validator('config');
    const text = await readFile(join(INTENTS, 'classic-csv-snapshot.yaml'), 'utf8');
    expect(validate(parse(text.replace('load_pattern: full', 'load_pattern: "${LOAD:full}"')))).toBe(true);
    expect(validate(parse(text.replace('entity: seattle_daily', 'version: "${V}"')))).toBe(true);
  });
});
