import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';

/** One artifact that an input holds. */
export interface Available {
  readonly artifact: string;
  /** Base name of its files, where another was configured. */
  readonly stem: string;
}

const HISTORY = ['history', 'state_history'];
const EVENTS = ['events', 'derived_events'];
/** The newest row per key, by any model. */
const CURRENT = ['current', 'state_current', 'full_snapshot'];
const KINDS: Readonly<Record<string, readonly string[]>> = {
  history: HISTORY,
  current: CURRENT,
  events: EVENTS,
};

/** Whether an artifact holds the newest row of each key, where its model knows keys. */
export function isCurrent(artifact: string | undefined): boolean {
  return artifact !== undefined && CURRENT.includes(artifact);
}

const ARTIFACTS: ReadonlySet<string> = new Set([...HISTORY, ...EVENTS, ...CURRENT, 'cdc_changes']);

/**
 * Which artifact of an input is joined, never a mix: the one that is asked for; else the only one; else, of several,
 * the history where the join is as of a time, and the current rows otherwise.
 *
 * @param asked an artifact, a kind (`history`, `current`, `events`), or the base name of the files
 * @returns undefined for an input that has no artifacts (Bronze, or files that foundry did not write)
 * @throws CFG001 naming what there is
 */
export function chooseArtifact(
  asked: string | undefined,
  available: readonly Available[],
  wantsHistory: boolean,
  where: string,
): string | undefined {
  const has = (names: readonly string[]): string | undefined =>
    names.find((name) => available.some(({ artifact }) => artifact === name));
  if (asked !== undefined) {
    const found =
      has([asked]) ??
      available.find(({ stem }) => stem === asked)?.artifact ??
      has(KINDS[asked.toLowerCase()] ?? []);
    if (found !== undefined) return found;
    const names = available.map(({ artifact }) => artifact);
    throw new FoundryError(
      'CFG001',
      `${where} has no artifact "${asked}"${didYouMean(asked, names)}; it has ${names.join(', ') || 'none'}`,
    );
  }
  if (available.length <= 1) return available[0]?.artifact;
  const chosen = (wantsHistory ? has(HISTORY) : undefined) ?? has(CURRENT);
  if (chosen !== undefined) return chosen;
  throw new FoundryError(
    'CFG001',
    `${where} has several artifacts, ${available.map(({ artifact }) => artifact).join(' and ')}: say with 'artifact' which one is joined`,
  );
}

/** The artifact that a file of the original's names belongs to; undefined for any other name. */
export function artifactOfName(path: string): Available | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '');
  const stem = name.replace(/-[0-9a-f]{8}$/, '').replace(/-part-\d+$/, '');
  return ARTIFACTS.has(stem) ? { artifact: stem, stem } : undefined;
}
