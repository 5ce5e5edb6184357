import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BunPlugin } from 'bun';
import { libraryFiles } from './duckdb-library.ts';
import type { Target } from './targets.ts';

const NAMESPACE = 'foundry-duckdb';

/**
 * Replaces DuckDB's own search for its platform package (which no bundler can follow) by a module that carries
 * the target's library inside the binary and hands it to `src/engine/library.ts`.
 * @throws when the target's package is not installed.
 */
export function embedDuckdb(root: string, target: Target): BunPlugin {
  return {
    name: NAMESPACE,
    setup(build) {
      build.onResolve({ filter: /^@duckdb\/node-bindings$/ }, () => ({
        path: target.name,
        namespace: NAMESPACE,
      }));
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, () => ({
        loader: 'js',
        contents: shim(root, libraryFiles(target)),
      }));
    },
  };
}

function shim(root: string, paths: readonly string[]): string {
  const all = createHash('sha256');
  const imports: string[] = [];
  const files: string[] = [];
  for (const [index, path] of paths.entries()) {
    const bytes = readFileSync(path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    all.update(`${name}\0${createHash('sha256').update(bytes).digest('hex')}\0`);
    imports.push(`import path${index} from ${JSON.stringify(path)} with { type: 'file' };`);
    files.push(
      `{ name: ${JSON.stringify(name)}, size: ${bytes.length}, read: () => readFileSync(path${index}) }`,
    );
  }
  return [
    `import { readFileSync } from 'node:fs';`,
    `import { loadLibrary } from ${JSON.stringify(join(root, 'src/engine/library.ts'))};`,
    ...imports,
    `export default loadLibrary({ hash: '${all.digest('hex').slice(0, 16)}', files: [${files.join(', ')}] });`,
  ].join('\n');
}
