import { FoundryError } from '../core/errors.ts';
import type { Storage } from '../storage/storage.ts';

/** Lists what `foundry samples` made below a base, so that it never touches anything else. */
export const MARKER_NAME = '_samples.json';

/** What of a base is ours to replace and to remove. */
export interface OwnedBase {
  /** Whether the file or folder was made by an earlier run. */
  owns(path: string): boolean;
  /**
   * Writes down that these files or folders are about to be made. To be called before any is.
   * @throws STG001, also where the marker was changed meanwhile.
   */
  claim(): Promise<void>;
  /** Forgets what earlier runs made and this one did not; the caller has removed it. */
  forget(paths: readonly string[]): Promise<void>;
  /** Made by earlier runs below `folder`, but not planned now. */
  leftOver(folder: string): readonly string[];
}

/**
 * Looks at a base that samples are to be made in. Nothing is written.
 *
 * @param planned files or folders to be made, as keys of the storage
 * @param flag with which another base would be named
 * @throws USE001 where the base holds anything and no earlier run's marker, or something else is in the way.
 */
export async function ownBase(
  storage: Storage,
  planned: readonly string[],
  flag = '--output-base-dir',
): Promise<OwnedBase> {
  const made = await madeBefore(storage, flag);
  const place = storage.local?.path('') ?? storage.description;
  const wanted = new Set(planned);
  for await (const { key } of storage.list('')) {
    if (key === MARKER_NAME) continue;
    if (made === undefined) {
      throw new FoundryError('USE001', `${place} holds files that no \`foundry samples\` made: ${key}`, {
        hint: `Name an empty or new folder with ${flag}. Nothing was changed.`,
      });
    }
    const inTheWay = withParents(key).find((path) => wanted.has(path) && !made.has(path));
    if (inTheWay !== undefined) {
      throw new FoundryError('USE001', `${place}/${key} is in the way, and no \`foundry samples\` made it`, {
        hint: `Move it away, or name another folder with ${flag}. Nothing was changed.`,
      });
    }
  }
  const owned = new Set(made ?? []);
  const save = async (): Promise<void> => {
    const content = { made_by: 'foundry samples', paths: [...owned].sort() };
    await storage.put(MARKER_NAME, {
      bytes: new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`),
    });
  };
  return {
    owns: (path) => made?.has(path) === true,
    async claim() {
      for (const path of planned) owned.add(path);
      await save();
    },
    async forget(paths) {
      for (const path of paths) owned.delete(path);
      if (paths.length > 0) await save();
    },
    leftOver: (folder) => [...owned].filter((path) => path.startsWith(`${folder}/`) && !wanted.has(path)),
  };
}

async function madeBefore(storage: Storage, flag: string): Promise<ReadonlySet<string> | undefined> {
  const found = await storage.readBytes(MARKER_NAME);
  if (found === undefined) return undefined;
  const paths = pathsOf(new TextDecoder().decode(found.bytes));
  if (paths !== undefined) return new Set(paths);
  throw new FoundryError('USE001', `${storage.description}/${MARKER_NAME} is no list that foundry wrote`, {
    hint: `Name another folder with ${flag}. Nothing was changed.`,
  });
}

function pathsOf(text: string): readonly string[] | undefined {
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content !== 'object' || content === null || !('paths' in content)) return undefined;
    const { paths } = content;
    return Array.isArray(paths) && paths.every((path) => typeof path === 'string') ? paths : undefined;
  } catch {
    return undefined;
  }
}

/** `a/b/c` gives `a`, `a/b` and `a/b/c`. */
function withParents(key: string): string[] {
  const segments = key.split('/');
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
}
