/** Files that one process of `bun test` runs one after the other. */
export interface TestGroup {
  readonly name: string;
  readonly files: readonly string[];
}

export interface TestPlan {
  /** May run at the same time as each other, in this order. */
  readonly beside: readonly TestGroup[];
  /** Run one after the other when all others have ended. */
  readonly alone: readonly TestGroup[];
}

/** How long a run may take to end, or how much memory it may need, is asserted here: nothing else runs meanwhile. */
export const ALONE: readonly string[] = [
  'src/formats/json/page.test.ts',
  'src/formats/unpack.test.ts',
  'src/scenarios/interrupt.test.ts',
  'src/scenarios/samples.memory.test.ts',
  'src/silver/memory.test.ts',
  'src/sources/api/page-memory.test.ts',
  'src/sources/file/file-source.memory.test.ts',
];

/** What takes longest starts first, so that nothing long is left for the end. */
const FIRST: readonly string[] = [
  'src/crash',
  'src/scenarios',
  'src/sources',
  'src/lake',
  'src/promotion',
  'src/storage',
  'build',
];

/** A process costs a second of its own; groups of this size end close enough to each other. */
const FILES_OF_A_GROUP = 8;

/** Each file once: by folder below src, so that a process loads what belongs together, and in parts where there are many. */
export function planTests(files: readonly string[]): TestPlan {
  const beside = files.filter((file) => !ALONE.includes(file)).sort();
  const alone = files.filter((file) => ALONE.includes(file)).sort();
  const byFolder = Map.groupBy(beside, folderOf);
  const folders = [...byFolder.keys()].sort((a, b) => rank(a) - rank(b));
  return {
    beside: folders.flatMap((folder) => inParts(folder, byFolder.get(folder) ?? [])),
    alone: alone.map((file) => ({ name: file, files: [file] })),
  };
}

/** `src/config` for all that lies below it, at whatever depth. */
function folderOf(file: string): string {
  const [top = '', below = ''] = file.split('/');
  return top === 'src' ? `${top}/${below}` : top;
}

function rank(folder: string): number {
  const index = FIRST.indexOf(folder);
  return index < 0 ? FIRST.length : index;
}

function inParts(folder: string, files: readonly string[]): TestGroup[] {
  // Crash tests are also modules of each other: in one process each of their tests runs once.
  const parts = folder === 'src/crash' ? 1 : Math.ceil(files.length / FILES_OF_A_GROUP);
  const size = Math.ceil(files.length / parts);
  return Array.from({ length: parts }, (_, part) => ({
    name: parts === 1 ? folder : `${folder}, part ${part + 1} of ${parts}`,
    files: files.slice(part * size, (part + 1) * size),
  }));
}
