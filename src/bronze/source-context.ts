import { join } from 'node:path';
import type { DatasetSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { recordExchanges, replayExchanges } from '../sources/api/recording.ts';
import type { SourceContext } from '../sources/source.ts';
import { spoolBudget } from '../storage/spool-budget.ts';
import type { BronzeRunOptions } from './options.ts';

/** What a dataset's source is given by the run: above all, whether the network is recorded or replayed. */
export function sourceContext(spec: DatasetSpec, options: BronzeRunOptions): SourceContext {
  const { recording, runDate, log, signal, spoolLimitBytes } = options;
  const context = {
    runDate,
    warn: log.warn,
    signal,
    log,
    ...(spec.connections !== undefined && { connections: spec.connections }),
    budget: spoolBudget(spoolLimitBytes),
  };
  if (recording === undefined) return context;
  const { mode } = recording;
  if (spec.bronze.source.type !== 'api') {
    throw new FoundryError(
      'USE001',
      `--${mode}: ${spec.name} reads from a ${spec.bronze.source.type}, not from an API`,
      {
        hint: 'Choose the datasets that do with --source-name.',
      },
    );
  }
  const folder = join(recording.folder, folderOf(spec.name));
  return {
    ...context,
    exchange: (live) => (mode === 'record' ? recordExchanges(folder, live()) : replayExchanges(folder)),
  };
}

/** A dataset's name as one that every file system takes. */
function folderOf(name: string): string {
  return name.replaceAll(/[^\w.-]+/g, '_').replace(/^\.+/, '_');
}
