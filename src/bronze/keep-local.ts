import { basename, join } from 'node:path';
import { openPartition } from '../lake/commit.ts';
import type { PartitionWriter, SpooledPart } from '../lake/lake.ts';
import type { ManifestBody } from '../lake/manifest.ts';
import { linkOrCopy } from '../storage/durable.ts';
import { localStorage } from '../storage/local.ts';
import type { BronzeRunOptions } from './options.ts';

/** A second, local copy of a partition that goes to a bucket (decision 25). */
export interface LocalCopy {
  /** Once the bucket's is committed. @throws LOCK001, STG001; the bucket's stays committed. */
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/** Puts the parts aside before their commit takes them away. @throws STG001; INT001 */
export async function keepLocal(
  base: string,
  path: string,
  parts: readonly SpooledPart[],
  body: ManifestBody,
  options: BronzeRunOptions,
): Promise<LocalCopy> {
  const writer: PartitionWriter = await openPartition({ storage: localStorage(base) }, path, options);
  try {
    const copies: SpooledPart[] = [];
    for (const [index, part] of parts.entries()) {
      const file = join(writer.spool, `${index}-${basename(part.file)}`);
      await linkOrCopy(part.file, file);
      copies.push({ ...part, file });
    }
    return {
      commit: async () => void (await writer.commit(copies, body)),
      discard: writer.discard,
    };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}
