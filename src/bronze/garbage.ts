/** From here on a collection pays: the program itself takes 65 MB, a row group under way about as much. */
const CALM_BYTES = 180_000_000;
/** The same where the engine works beside it, which takes 50 MB, and 20 MB for each further pipe. */
export const CALM_BESIDE_ENGINE = 235_000_000;
/** A collection is followed by work for this many times as long, however small the batches are. */
const WORK_SHARE = 4;

/**
 * Gives a function to be called between batches, which collects garbage when the process has grown. Left alone, the
 * runtime lets garbage grow with the machine's memory (250 MB on one of 24 GB) before it looks; looking sooner costs no
 * measurable time, since almost nothing of what a batch leaves is alive.
 */
export function garbageCollector(calmBytes = CALM_BYTES): () => void {
  let nextMs = 0;
  return () => {
    const startMs = performance.now();
    if (startMs < nextMs || process.memoryUsage.rss() < calmBytes) return;
    Bun.gc(true);
    const endMs = performance.now();
    nextMs = endMs + (endMs - startMs) * WORK_SHARE;
  };
}
