/** One fenced code block. */
export interface Block {
  readonly lang: string;
  readonly text: string;
  /** Of its first fence, from 1. */
  readonly line: number;
  /** `<!-- name: value -->` lines that stand directly above the fence. */
  readonly directives: Readonly<Record<string, string>>;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

/** One page of the documentation, read for what a test can check in it. */
export interface Page {
  /** Relative to the project, `/`-separated. */
  readonly path: string;
  /** Everything, as it is. */
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly links: readonly Link[];
  /** Anchors of the headings, as code forges make them. */
  readonly anchors: ReadonlySet<string>;
}

export function readPage(path: string, text: string): Page {
  const blocks: Block[] = [];
  const links: Link[] = [];
  const anchors = new Set<string>();
  const lines = text.split('\n');
  let directives: Record<string, string> = {};
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const fence = /^(\s*)```(\S*)\s*$/.exec(line);
    if (fence !== null) {
      const end = lines.findIndex((candidate, at) => at > index && candidate.trim() === '```');
      if (end < 0) throw new Error(`${path}:${index + 1}: the code block is never closed`);
      const body = lines.slice(index + 1, end).map((inner) => inner.slice((fence[1] ?? '').length));
      blocks.push({ lang: fence[2] ?? '', text: body.join('\n'), line: index + 1, directives });
      directives = {};
      index = end;
      continue;
    }
    const directive = /^<!-- ([a-z ]+): (.+) -->$/.exec(line.trim());
    if (directive !== null) directives[directive[1] ?? ''] = directive[2] ?? '';
    else if (line.trim() !== '') directives = {};
    const heading = /^#{1,6} (.+)$/.exec(line);
    if (heading !== null) anchors.add(uniqueAnchor(anchors, heading[1] ?? ''));
    for (const [, target = ''] of line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      links.push({ target, line: index + 1 });
    }
  }
  return { path, text, blocks, links, anchors };
}

function uniqueAnchor(taken: ReadonlySet<string>, heading: string): string {
  const anchor = heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
  let unique = anchor;
  for (let n = 1; taken.has(unique); n++) unique = `${anchor}-${n}`;
  return unique;
}
