import { FoundryError } from '../../core/errors.ts';
import { loadConfigs } from '../datasets.ts';
import { emitReports } from '../emit.ts';
import type { Session } from '../session.ts';
import { writtenPlaces } from '../written-places.ts';

interface ContainerReport {
  readonly container: string;
  readonly status: 'created' | 'there already';
}

/**
 * Makes ready what configs write to: each Azure container that is not there yet. No file is written.
 *
 * @param given the flags of the command; those that say what config to write have no meaning here
 * @throws USE001 where such a flag is given too; CFG001; STG001, AUTH001, RETRY001
 */
export async function initContainers(
  config: string,
  given: Readonly<Record<string, unknown>>,
  session: Session,
): Promise<number> {
  const other = WRITING.find((flag) => given[flag] !== undefined && given[flag] !== false);
  if (other !== undefined) {
    throw new FoundryError('USE001', `--config names a config that is there; --${other} is for writing one`);
  }
  const { createContainer } = await import('../../storage/create-container.ts');
  const { datasets, joins } = await loadConfigs({ config }, session);
  const reports = new Map<string, ContainerReport>();
  for (const place of writtenPlaces([...datasets, ...joins], ['bronze', 'silver'])) {
    const done = await createContainer(place, session);
    if (done === undefined) session.log.info(`${place.base} is in no container: nothing to create`);
    else if (!reports.has(done.container)) {
      const status = done.isNew ? 'created' : 'there already';
      reports.set(done.container, { container: done.container, status });
    }
  }
  return emitReports(
    session.command,
    session.output,
    [...reports.values()],
    ({ container, status }) => `container ${container}: ${status}`,
  );
}

const WRITING = [
  'source',
  'type',
  'source-path',
  'system',
  'entity',
  'keys',
  'order-column',
  'kind',
  'dialect',
  'output-file',
  'with-schema',
  'force',
  'example',
  'list-examples',
] as const;
