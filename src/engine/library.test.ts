import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { cacheFolders, type EmbeddedFile, type EmbeddedLibrary, type Host, loadLibrary } from './library.ts';

let box = '';
beforeEach(() => {
  box = mkdtempSync(join(tmpdir(), 'foundry-library-'));
});
afterEach(() => rmSync(box, { recursive: true, force: true }));

const ADDON = Buffer.from('addon');
const ENGINE = Buffer.alloc(100_000, 'engine');

function library(onRead: () => void = () => undefined): EmbeddedLibrary {
  const file = (name: string, bytes: Uint8Array): EmbeddedFile => ({
    name,
    size: bytes.length,
    read: () => {
      onRead();
      return bytes;
    },
  });
  return { hash: '0123456789abcdef', files: [file('duckdb.node', ADDON), file('libduckdb.so', ENGINE)] };
}

function host(overrides: Partial<Host> = {}): Host {
  return {
    env: {},
    home: join(box, 'home'),
    temporary: join(box, 'tmp'),
    uid: process.getuid?.(),
    load: (addon) => addon,
    ...overrides,
  };
}

const homeAddon = () => join(box, 'home/.cache/foundry/engine-0123456789abcdef/duckdb.node');
const homeFolder = () => join(homeAddon(), '..');

function refusal(run: () => unknown): FoundryError {
  try {
    run();
  } catch (error) {
    if (error instanceof FoundryError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('the first run unpacks into a private folder, the second reads nothing again', () => {
  let reads = 0;
  const embedded = library(() => reads++);
  expect(loadLibrary(embedded, host())).toBe(homeAddon());
  expect(statSync(homeFolder()).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(homeFolder(), 'libduckdb.so'))).toEqual(ENGINE);
  expect(reads).toBe(2);
  loadLibrary(embedded, host());
  expect(reads).toBe(2);
  expect(readdirSync(homeFolder()).sort()).toEqual(['duckdb.node', 'libduckdb.so']);
});

test('FOUNDRY_CACHE_DIR is the only folder where it is set; else XDG, home and the temporary folder are tried', () => {
  const folders = (env: Host['env']) => cacheFolders(host({ env, uid: 7 })).map(({ folder }) => folder);
  expect(folders({ FOUNDRY_CACHE_DIR: '/c', XDG_CACHE_HOME: '/x' })).toEqual(['/c']);
  expect(folders({ XDG_CACHE_HOME: '/x' })).toEqual([
    '/x/foundry',
    join(box, 'home/.cache/foundry'),
    join(box, 'tmp/foundry-7'),
  ]);
  expect(folders({ XDG_CACHE_HOME: 'relative' })).not.toContain('relative/foundry');
});

test('a truncated library is replaced', () => {
  loadLibrary(library(), host());
  truncateSync(join(homeFolder(), 'libduckdb.so'), 500);
  loadLibrary(library(), host());
  expect(readFileSync(join(homeFolder(), 'libduckdb.so'))).toEqual(ENGINE);
});

test('what a killed first run left is swept away, what a running one writes is not', () => {
  mkdirSync(homeFolder(), { recursive: true, mode: 0o700 });
  const dead = Bun.spawnSync(['true']).pid;
  writeFileSync(join(homeFolder(), `libduckdb.so.${dead}.00000000.tmp`), 'half');
  writeFileSync(join(homeFolder(), `libduckdb.so.${process.pid}.00000000.tmp`), 'half');
  loadLibrary(library(), host());
  expect(readdirSync(homeFolder()).filter((name) => name.endsWith('.tmp'))).toEqual([
    `libduckdb.so.${process.pid}.00000000.tmp`,
  ]);
});

test('an unusable home leads to the temporary folder', () => {
  writeFileSync(join(box, 'home'), 'a file, not a folder');
  expect(loadLibrary(library(), host())).toStartWith(join(box, 'tmp'));
});

test('a folder where libraries cannot be loaded leads to the next one', () => {
  const load = (addon: string) => {
    if (addon.startsWith(join(box, 'home'))) throw new Error('failed to map segment from shared object');
    return addon;
  };
  expect(loadLibrary(library(), host({ load }))).toStartWith(join(box, 'tmp'));
});

test('when no folder will do, the error names each and why', () => {
  writeFileSync(join(box, 'home'), '');
  const load = () => {
    throw new Error('failed to map segment from shared object');
  };
  const error = refusal(() => loadLibrary(library(), host({ load })));
  expect(error.code).toBe('ENG001');
  expect(error.message).toContain(`${join(box, 'home/.cache/foundry')}: ENOTDIR`);
  expect(error.message).toContain('failed to map segment');
});

test('an unusable FOUNDRY_CACHE_DIR is an error, not a reason to look elsewhere', () => {
  writeFileSync(join(box, 'file'), '');
  const error = refusal(() =>
    loadLibrary(library(), host({ env: { FOUNDRY_CACHE_DIR: join(box, 'file') } })),
  );
  expect(error.message).toContain(join(box, 'file'));
  expect(existsSync(join(box, 'home'))).toBe(false);
});

test('FOUNDRY_CACHE_DIR may be a shared volume; the folder made in it is private', () => {
  const shared = join(box, 'shared');
  mkdirSync(shared);
  chmodSync(shared, 0o777);
  const addon = String(loadLibrary(library(), host({ env: { FOUNDRY_CACHE_DIR: shared } })));
  expect(statSync(join(addon, '..')).mode & 0o777).toBe(0o700);
});

test('a folder that a stranger prepared in the shared temporary folder is refused', () => {
  const prepared = join(box, `tmp/foundry-${process.getuid?.()}`);
  const only = host({ home: '' });
  mkdirSync(prepared, { recursive: true });
  chmodSync(prepared, 0o777);
  expect(refusal(() => loadLibrary(library(), only)).message).toContain('can be written by other users');
  rmSync(prepared, { recursive: true });
  mkdirSync(join(box, 'elsewhere'), { mode: 0o700 });
  symlinkSync(join(box, 'elsewhere'), prepared);
  expect(refusal(() => loadLibrary(library(), only)).message).toContain('symbolic link');
  expect(readdirSync(join(box, 'elsewhere'))).toEqual([]);
});

test('a folder of another user is refused', () => {
  loadLibrary(library(), host({ home: '' }));
  const uid = process.getuid?.() ?? 0;
  chmodSync(join(box, 'tmp'), 0o755);
  const found = join(box, `tmp/foundry-${uid}`);
  const stranger = host({ env: { FOUNDRY_CACHE_DIR: found }, uid: uid + 1 });
  // Root's own folder is trusted by everybody, so this can only be seen between two ordinary users.
  if (uid === 0) expect(loadLibrary(library(), stranger)).toStartWith(found);
  else expect(refusal(() => loadLibrary(library(), stranger)).message).toContain('another user');
});
