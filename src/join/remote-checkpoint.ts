import { basename, dirname, join } from 'node:path';
import { PROGRESS_NAME } from '../lake/join-work.ts';
import { locationOf, type Storage } from '../storage/storage.ts';
import { inParallel } from '../storage/turns.ts';
import { type CheckpointCopy, type ChunkDone, parseProgress } from './checkpoint.ts';

const AT_A_TIME = 4;

/**
 * The progress of a join on an object store, with its chunks: what a run on one host has done, a run on another can
 * go on with. `progress.json` is written last, so that it never tells of a chunk that is not there.
 */
export function remoteCheckpoint(storage: Storage): CheckpointCopy {
  /** Hashes of the chunks that lie there. */
  const stored = new Set<string>();
  const keyOf = ({ file }: ChunkDone, workFolder: string): string =>
    `${basename(workFolder)}/${basename(file).replace(/\.tmp$/, '')}`;

  return {
    location: locationOf(storage, PROGRESS_NAME),
    async read({ workFolder }) {
      const found = await storage.readBytes(PROGRESS_NAME);
      if (found === undefined) return undefined;
      const progress = parseProgress(new TextDecoder().decode(found.bytes));
      if (progress === 'broken') return progress;
      // Of another load it has another name, by which its chunks are removed.
      const folder = join(dirname(workFolder), basename(progress.work_folder));
      const chunks = progress.chunks.map((chunk) => ({ ...chunk, file: join(folder, basename(chunk.file)) }));
      return { ...progress, work_folder: folder, chunks };
    },
    async fetch({ chunks, work_folder: workFolder }) {
      await inParallel(chunks, AT_A_TIME, async (chunk) => {
        const key = keyOf(chunk, workFolder);
        if ((await storage.stat(key)) === undefined) return;
        await storage.download(key, chunk.file);
        stored.add(chunk.sha256);
      });
    },
    async save(progress) {
      for (const chunk of progress.chunks) {
        if (stored.has(chunk.sha256)) continue;
        await storage.put(keyOf(chunk, progress.work_folder), { file: chunk.file });
        stored.add(chunk.sha256);
      }
      // What was split by key lies on this host alone; another one splits again.
      const { buckets: _own, ...rest } = progress;
      await storage.put(PROGRESS_NAME, {
        bytes: new TextEncoder().encode(`${JSON.stringify(rest, null, 2)}\n`),
      });
    },
    async remove({ workFolder }) {
      const keys = await Array.fromAsync(storage.list(basename(workFolder)), ({ key }) => key);
      await inParallel(keys, AT_A_TIME, (key) => storage.remove(key));
      await storage.remove(PROGRESS_NAME);
    },
  };
}
