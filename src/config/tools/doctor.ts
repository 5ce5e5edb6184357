import { type Document, isMap, isScalar, isSeq, type YAMLMap } from 'yaml';
import { classicSchema } from '../classic/schema.ts';
import { intentSchema } from '../intent/schema.ts';
import { entriesOf, notesOf, type Schema } from '../yaml/schema-kit.ts';
import { editYaml } from './edit-yaml.ts';

export type ConfigVersion = 1 | 2;

export interface Migration {
  readonly text: string;
  /** What was changed and why, in the order of the file's sections. */
  readonly changes: readonly string[];
}

type Path = readonly (string | number)[];

/** One dataset's sections within the file. */
interface Place {
  readonly dialect: 'classic' | 'intent';
  /** Where the dataset's keys stand: the root, or an entry of `sources` or `datasets`. */
  readonly base: Path;
}

/**
 * Brings a config to the current shape. Version 1 adds what is missing and moves what stands in an old place;
 * version 2 also takes out what has no effect any more, and says what used to be implied.
 *
 * @returns undefined when the text is no YAML mapping.
 */
export function migrateConfig(text: string, target: ConfigVersion): Migration | undefined {
  const changes: string[] = [];
  const migrated = editYaml(text, (document) => {
    if (!isMap(document.contents)) return;
    const editor = editorOf(document, (change) => changes.push(change));
    editor.setVersion(target);
    renamePlatformKeys(editor, target);
    for (const place of placesOf(document)) migrateDataset(editor, place, target);
  });
  return migrated === undefined ? undefined : { text: migrated, changes };
}

function placesOf(document: Document): readonly Place[] {
  const entries = (key: string): readonly Path[] => {
    const list = document.get(key);
    return isSeq(list) ? list.items.map((_, index) => [key, index]) : [];
  };
  if (document.has('datasets')) return entries('datasets').map((base) => ({ dialect: 'intent', base }));
  if (document.has('sources')) return entries('sources').map((base) => ({ dialect: 'classic', base }));
  const hasDataset = ['source', 'silver', 'bronze', 'system', 'entity'].some((key) => document.has(key));
  if (document.has('silver_join') && !hasDataset) return [];
  const isIntent = document.has('bronze') && !document.has('source');
  return [{ dialect: isIntent ? 'intent' : 'classic', base: [] }];
}

function renamePlatformKeys(editor: Editor, target: ConfigVersion): void {
  const at: Path = ['platform', 'bronze'];
  editor.rename([...at, 'output_dir'], 'local_path', 'output_dir is the old name');
  if (target === 2) editor.remove([...at, 'output_dir'], 'local_path says it');
}

function migrateDataset(editor: Editor, { dialect, base }: Place, target: ConfigVersion): void {
  if (dialect === 'classic') {
    editor.rename([...base, 'source', 'run', 's3_enabled'], 'storage_enabled', 's3_enabled is the old name');
    migrateApi(editor, [...base, 'source', 'api'], isApi(editor, [...base, 'source']), target);
    migrateBySchema(editor, classicSchema, base, base, target);
    if (target === 2) sayPartitioning(editor, base);
  } else {
    const options: Path = [...base, 'bronze', 'options'];
    editor.rename([...options, 's3_enabled'], 'storage_enabled', 's3_enabled is the old name');
    const hasQuery = editor.has([...base, 'bronze', 'source_query']);
    migrateApi(editor, [...options, 'api'], !hasQuery && editor.has([...options, 'api']), target);
    migrateBySchema(editor, intentSchema, base, base, target);
  }
}

function isApi(editor: Editor, source: Path): boolean {
  if (!editor.has([...source, 'api'])) return false;
  const type = editor.get([...source, 'type']);
  return type === undefined || String(type).trim().toLowerCase() === 'api';
}

/** @param needsEndpoint only an API source has an endpoint to imply. */
function migrateApi(editor: Editor, api: Path, needsEndpoint: boolean, target: ConfigVersion): void {
  const url: Path = [...api, 'url'];
  if (editor.has(url) && !editor.has([...api, 'base_url'])) {
    if (target === 2) editor.rename(url, 'base_url', 'url is the old name');
    else editor.add([...api, 'base_url'], editor.get(url), 'the new name of url');
  }
  if (target === 2) editor.remove(url, 'base_url says it');
  if (needsEndpoint) editor.add([...api, 'endpoint'], '/', 'was implied');
}

/** Without a silver section nothing is promoted; version 2 says so instead of leaving it out. */
function sayPartitioning(editor: Editor, base: Path): void {
  const silver: Path = editor.has([...base, 'silver']) ? [...base, 'silver'] : ['silver'];
  if (!editor.has(silver)) editor.add([...silver, 'enabled'], false, 'there was no silver section');
  editor.add([...silver, 'partitioning', 'columns'], [], 'was implied');
}

/** Keys that belong elsewhere are moved; in version 2 those without an effect are taken out. */
function migrateBySchema(editor: Editor, schema: Schema, at: Path, base: Path, target: ConfigVersion): void {
  for (const [key, child] of Object.entries(entriesOf(schema) ?? {})) {
    const here = [...at, key];
    if (!editor.has(here)) continue;
    const { moved, obsolete } = notesOf(child);
    if (moved !== undefined) editor.move(here, [...base, ...moved.split('.')]);
    else if (obsolete !== undefined && target === 2) editor.remove(here, obsolete);
    else migrateBySchema(editor, child, here, base, target);
  }
}

type Editor = ReturnType<typeof editorOf>;

/** Edits that say what they did, and do nothing where there is nothing to do. */
function editorOf(document: Document, changed: (change: string) => void) {
  const has = (path: Path): boolean => document.hasIn(path);
  const parentOf = (path: Path): YAMLMap | undefined => {
    const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1));
    return isMap(parent) ? parent : undefined;
  };
  const show = (path: Path): string => path.join('.');
  return {
    has,
    get: (path: Path): unknown => {
      const value = document.getIn(path);
      return isMap(value) || isSeq(value) ? value.toJSON() : value;
    },
    setVersion(version: ConfigVersion): void {
      const found = document.get('config_version');
      if (typeof found === 'number' && found >= version) return;
      const root = document.contents;
      if (!isMap(root)) return;
      if (found === undefined) putFirst(document, root, version);
      else document.set('config_version', version);
      changed(`config_version: ${version}`);
    },
    add(path: Path, value: unknown, why: string): void {
      if (has(path)) return;
      document.setIn(path, document.createNode(value, { flow: Array.isArray(value) }));
      changed(`added ${show(path)} (${why})`);
    },
    rename(path: Path, to: string, why: string): void {
      const parent = parentOf(path);
      if (parent === undefined || parent.has(to)) return;
      const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === path.at(-1));
      if (pair === undefined || !isScalar(pair.key)) return;
      pair.key.value = to;
      changed(`renamed ${show(path)} to ${to} (${why})`);
    },
    remove(path: Path, why: string): void {
      if (!has(path)) return;
      document.deleteIn(path);
      changed(`removed ${show(path)} (${why})`);
    },
    move(path: Path, to: Path): void {
      const target = parentOf(to);
      if (!has(path) || target === undefined || has(to)) return;
      const pair = parentOf(path)?.items.find((item) => isScalar(item.key) && item.key.value === path.at(-1));
      document.deleteIn(path);
      document.setIn(to, pair?.value);
      changed(`moved ${show(path)} to ${show(to)}`);
    },
  };
}

/** Below the comment that heads the file, which belongs to the file and not to its first key. */
function putFirst(document: Document, root: YAMLMap, version: ConfigVersion): void {
  const key = document.createNode('config_version');
  const first = root.items[0]?.key;
  if (isScalar(first)) {
    key.commentBefore = first.commentBefore ?? null;
    first.commentBefore = null;
  }
  root.items.unshift(document.createPair(key, version));
}
