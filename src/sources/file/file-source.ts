import type { FileSourceSpec } from '../../config/spec.ts';
import { isRemote } from '../../config/storage/location.ts';
import type { Batches } from '../../core/batch.ts';
import { FoundryError } from '../../core/errors.ts';
import { checkUnchanged, localPathOf } from '../../formats/input.ts';
import type { EngineInput } from '../engine-input.ts';
import type { OpenSource, ReadRequest, Source, SourceContext, SourcePlan } from '../source.ts';
import { expandPath, type ResolvedFiles, resolveFiles } from './paths.ts';
import type { RemoteFiles } from './remote.ts';

/**
 * Rows of CSV, TSV, JSON, JSON Lines and Parquet files. Several files give the union of their columns by
 * name, in the order of first appearance. Parquet has no `read`: the engine reads it (`engineInput`).
 */
export const openFileSource: OpenSource<'file'> = (spec, context): Source => {
  let resolved: Promise<ResolvedFiles | RemoteFiles> | undefined;
  /** Looked at once, so that plan, checks and reading speak of the same files. */
  const resolveOnce = (): Promise<ResolvedFiles | RemoteFiles> => (resolved ??= resolve(spec, context));
  /** The same, with their bytes on the local disk. */
  const localOnce = async ({ spool }: ReadRequest): Promise<ResolvedFiles> => {
    const files = await resolveOnce();
    if (!('fetch' in files)) return files;
    if (spool === undefined) throw new Error(`no spool was given to read ${spec.path}`);
    return files.fetch(spool);
  };

  const warned = new Set<string>();
  /** The same files may be looked at for the engine and then read: each thing is said once. */
  const warn = (message: string): void => {
    if (!warned.has(message)) context.warn(message);
    warned.add(message);
  };

  return {
    plan: () => planFiles(spec, expandPath(spec.path, context.runDate), resolveOnce),
    async *read(request): Batches {
      const { format, files } = await localOnce(request);
      if (format === 'json' || format === 'jsonl') {
        const { readJsonRecords } = await import('./json-records.ts');
        yield* readJsonRecords(limited(spec, request), format, files, request, warn);
      } else if (format === 'parquet') {
        throw new Error('Parquet files are read by the engine');
      } else {
        const { dialectOf, openDelimited, readDelimited } = await import('./delimited.ts');
        const dialect = dialectOf(spec, format);
        const opened = await openDelimited(spec, dialect, files, request.signal, warn);
        yield* readDelimited(limited(spec, request), opened, request, warn);
      }
    },
    engineOnly: async () => (await resolveOnce()).format === 'parquet',
    async engineInput(request): Promise<EngineInput | undefined> {
      const { format, files } = await localOnce(request);
      if (format === 'parquet') return parquetForEngine(limited(spec, request), files, request);
      if (format !== 'csv' && format !== 'tsv') return undefined;
      const { csvForEngine, mayUseEngine } = await import('./csv-for-engine.ts');
      if (!mayUseEngine(spec, files)) return undefined;
      const { dialectOf, openDelimited } = await import('./delimited.ts');
      const opened = await openDelimited(spec, dialectOf(spec, format), files, request.signal, warn);
      return csvForEngine(spec, opened, request, warn);
    },
  };
};

function limited(spec: FileSourceSpec, { limitRows }: ReadRequest): FileSourceSpec {
  if (limitRows === undefined) return spec;
  return { ...spec, limitRows: Math.min(limitRows, spec.limitRows ?? limitRows) };
}

async function resolve(spec: FileSourceSpec, context: SourceContext): Promise<ResolvedFiles | RemoteFiles> {
  const path = expandPath(spec.path, context.runDate);
  if (!isRemote(path)) return resolveFiles(spec, context.runDate);
  const { resolveRemote } = await import('./remote.ts');
  return resolveRemote(path, spec, context);
}

async function planFiles(
  spec: FileSourceSpec,
  path: string,
  resolve: () => Promise<ResolvedFiles>,
): Promise<SourcePlan> {
  try {
    const { format, files } = await resolve();
    const what = files.length === 1 ? `${format} file` : `${files.length} ${format} files`;
    return {
      description: `${what} ${path}`,
      inputs: files.map(({ path: file, sizeBytes }) => ({ path: file, sizeBytes })),
    };
  } catch (error) {
    if (!(error instanceof FoundryError) || error.code !== 'EXT001') throw error;
    return { description: `${spec.format ?? ''} file ${path}`.trim(), inputs: [], problem: error.message };
  }
}

async function parquetForEngine(
  spec: FileSourceSpec,
  files: ResolvedFiles['files'],
  request: ReadRequest,
): Promise<EngineInput> {
  const { checkParquetMagic } = await import('../../formats/parquet/parquet-magic.ts');
  for (const file of files) {
    await checkUnchanged(file);
    await checkParquetMagic(localPathOf(file), file.path);
    request.onBytes?.(file.sizeBytes);
  }
  return {
    format: 'parquet',
    files: files.map(localPathOf),
    ...(spec.columns === undefined ? {} : { columns: spec.columns }),
    ...(spec.limitRows === undefined ? {} : { limitRows: spec.limitRows }),
  };
}
