import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contestant } from './harness.ts';

const BINARY = join(import.meta.dir, '..', '..', 'dist', 'foundry');

export interface ApiBench {
  readonly baseUrl: string;
  readonly pageSize: number;
  /** Pages at a time. */
  readonly width: number;
  /** More of the `api` section. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Before each round. */
  readonly prepare?: () => void;
}

/** `foundry bronze` of an API that numbers its pages and tells its total, into a new lake each time. */
export async function apiContestant(
  folder: string,
  { baseUrl, pageSize, width, more, prepare }: ApiBench,
): Promise<Contestant> {
  const lake = join(folder, `lake-${width}`);
  const config = join(folder, `api-${width}.yaml`);
  const api = {
    base_url: baseUrl,
    endpoint: '/rows',
    pagination: { type: 'page', page_size: pageSize, total_path: 'total' },
    ...more,
    ...(width > 1 && { async: true, max_concurrency: width }),
  };
  const document = {
    config_version: 1,
    platform: { bronze: { storage_backend: 'local', local_path: lake } },
    source: { type: 'api', system: 'shop', table: 'orders', api, run: {} },
  };
  await writeFile(config, JSON.stringify(document));
  return {
    name: `foundry bronze, ${width === 1 ? 'one page after the other' : `${width} pages at a time`}`,
    command: [BINARY, 'bronze', '--config', config, '--date', '2025-01-05', '--quiet'],
    prepare: async () => {
      prepare?.();
      await rm(lake, { recursive: true, force: true });
    },
  };
}
