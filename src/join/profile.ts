import { readFile } from 'node:fs/promises';
import type { Engine } from '../engine/engine.ts';
import { literal } from '../engine/sql.ts';
import type { BuildSide } from './sql.ts';

/** What the engine itself says of one query that it ran. */
export interface QueryProfile {
  /** The side that its hash join held in memory; null where it needed none. */
  readonly buildSide: BuildSide | null;
  /** The most that it had spilled at a time, in bytes. */
  readonly spilledBytes: number;
}

interface ProfileNode {
  readonly operator_type?: string;
  readonly extra_info?: Readonly<Record<string, unknown>>;
  readonly children?: readonly ProfileNode[];
  readonly system_peak_temp_dir_size?: number;
}

/** Has every query of `work` on this connection leave its profile in a file. */
export async function profiled<T>(engine: Engine, file: string, work: () => Promise<T>): Promise<T> {
  await engine.execute("SET enable_profiling = 'json'");
  await engine.execute(`SET profiling_output = ${literal(file)}`);
  try {
    return await work();
  } finally {
    await engine.execute('PRAGMA disable_profiling').catch(() => undefined);
  }
}

/**
 * The profile of the query that ran last.
 * @param isLeft whether a list of file names, as the engine shows it, names files of the left side
 */
export async function readProfile(file: string, isLeft: (files: string) => boolean): Promise<QueryProfile> {
  const root: ProfileNode = JSON.parse(await readFile(file, 'utf8'));
  const join = find(root, (node) => node.operator_type === 'HASH_JOIN');
  // The engine's hash join has the side that it streams first, and the one that it holds second.
  const scan = join?.children?.[1] && find(join.children[1], (node) => filesOf(node) !== undefined);
  const files = scan && filesOf(scan);
  return {
    buildSide: files === undefined ? null : isLeft(files) ? 'left' : 'right',
    spilledBytes: root.system_peak_temp_dir_size ?? 0,
  };
}

function filesOf({ extra_info: info }: ProfileNode): string | undefined {
  const files = info?.['Filename(s)'];
  if (files === undefined) return undefined;
  return Array.isArray(files) ? files.join(', ') : String(files);
}

function find(node: ProfileNode, wanted: (node: ProfileNode) => boolean): ProfileNode | undefined {
  if (wanted(node)) return node;
  for (const child of node.children ?? []) {
    const found = find(child, wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}
