import { stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CustomSourceSpec } from '../../config/custom/spec.ts';
import { FoundryError, messageOf } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import type { ExtractFunction } from './contract.ts';

/**
 * The file of an extractor: absolute, or from the config's folder, then from the working directory. The original's
 * dotted names (`extractors.orders`) are looked for as paths too.
 * @throws EXT001 naming every place that was looked at.
 */
export async function findModule({ module, configFolder }: CustomSourceSpec): Promise<string> {
  const spellings = /\.[cm]?[jt]sx?$/.test(module) ? [module] : endings(module);
  const places = spellings.flatMap((name) =>
    isAbsolute(name) ? [name] : [join(configFolder, name), resolve(name)].map((path) => resolve(path)),
  );
  for (const place of new Set(places)) {
    if (await isFile(place)) return place;
  }
  throw new FoundryError('EXT001', `there is no extractor module ${module}`, {
    details: { module },
    hint: `Looked for ${[...new Set(places)].join(', ')}. Write the path of a .ts or .js file beside the config.`,
  });
}

function endings(module: string): string[] {
  const paths = [module, ...(module.includes('/') ? [] : [module.replaceAll('.', '/')])];
  return paths.flatMap((path) => [`${path}.ts`, `${path}.js`, `${path}/index.ts`, `${path}/index.js`]);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/**
 * Loads the module and finds what it exports under the configured name, or as its default.
 * @throws EXT001 naming the module, and where its code failed.
 */
export async function loadExtractor(spec: CustomSourceSpec, path: string): Promise<ExtractFunction> {
  let loaded: Record<string, unknown>;
  try {
    loaded = await import(pathToFileURL(path).href);
  } catch (error) {
    throw moduleFailure(path, 'cannot be loaded', error);
  }
  const name = spec.exportName ?? ('default' in loaded ? 'default' : onlyExport(loaded));
  const found = name === undefined ? undefined : loaded[name];
  if (typeof found !== 'function') {
    const names = Object.keys(loaded).filter((key) => typeof loaded[key] === 'function');
    const wanted = spec.exportName ?? 'default';
    throw new FoundryError(
      'EXT001',
      `${path} exports no class or function ${wanted}${didYouMean(wanted, names)}`,
      {
        details: { module: path },
        hint: names.length === 0 ? 'Export a class or function.' : `It exports ${names.join(', ')}.`,
      },
    );
  }
  return callable(path, found, name ?? '');
}

function onlyExport(loaded: Record<string, unknown>): string | undefined {
  const names = Object.keys(loaded).filter((key) => typeof loaded[key] === 'function');
  return names.length === 1 ? names[0] : undefined;
}

/** A class is made with no arguments; the method is `extract`, of the original's time `fetch` is told what to do. */
function callable(path: string, found: unknown, name: string): ExtractFunction {
  const prototype: unknown = typeof found === 'function' ? found.prototype : undefined;
  const isClass = typeof found === 'function' && /^class\b/.test(Function.prototype.toString.call(found));
  if (!isClass) return found as ExtractFunction;
  if (typeof prototype !== 'object' || prototype === null || !('extract' in prototype)) {
    throw new FoundryError('EXT001', `the class ${name} of ${path} has no method extract`, {
      details: { module: path },
      hint: 'Give it a method extract(context) that returns or yields rows; see docs/custom-sources.md.',
    });
  }
  return (context) => {
    const Extractor = found as new () => { extract: ExtractFunction };
    return new Extractor().extract(context);
  };
}

/** A failure of the extractor's own code: its message, and the first place in the module that it came through. */
export function moduleFailure(path: string, what: string, error: unknown): FoundryError {
  const place = placeIn(path, error);
  return new FoundryError('EXT001', `${place ?? path}: the extractor ${what}: ${messageOf(error)}`, {
    details: { module: path },
    hint: 'Correct the extractor. Nothing was committed.',
    cause: error,
  });
}

/** `path:line:column` of the innermost frame that lies in the module, else of a syntax error. */
function placeIn(path: string, error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const escaped = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const frame = new RegExp(`${escaped}:(\\d+)(?::(\\d+))?`).exec(error.stack ?? '');
  if (frame !== null) return frame[0];
  const position: unknown = 'position' in error ? error.position : undefined;
  if (typeof position !== 'object' || position === null || !('line' in position)) return undefined;
  return `${path}:${String(position.line)}`;
}
