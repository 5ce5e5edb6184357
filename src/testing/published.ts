import { join } from 'node:path';
import { pythonWithPyarrow } from './parquet.ts';

/** A trace or metrics request of OTLP, or an event of OpenLineage. */
export type SentKind = 'traces' | 'metrics' | 'lineage';

/** What the standards' own packages say of what foundry sends: see published_schemas.py. */
export interface PublishedSchemas {
  /** What is wrong with a body; nothing where it is valid. One at a time, in order. */
  problems(kind: SentKind, body: unknown): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** @throws where Python or the packages are missing, unless FOUNDRY_TEST_ALLOW_MISSING=1 lets everything pass. */
export function openPublishedSchemas(): PublishedSchemas {
  const python = pythonWithPyarrow();
  if (python === undefined) return { problems: async () => [], close: async () => undefined };
  const child = Bun.spawn([python, join(import.meta.dir, 'published_schemas.py')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const answers = linesOf(child.stdout);
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (kind: SentKind, body: unknown): Promise<readonly string[]> => {
    child.stdin.write(`${JSON.stringify({ kind, body })}\n`);
    await child.stdin.flush();
    const { value, done } = await answers.next();
    if (done) throw new Error('published_schemas.py ended: what it said is above');
    return JSON.parse(value) as string[];
  };
  return {
    problems: (kind, body) => {
      const answer = last.then(() => ask(kind, body));
      last = answer.catch(() => undefined);
      return answer;
    },
    close: async () => {
      await child.stdin.end();
      await child.exited;
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
