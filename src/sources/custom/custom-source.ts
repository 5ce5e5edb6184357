import type { CustomSourceSpec } from '../../config/custom/spec.ts';
import { FoundryError, throwIfStopped } from '../../core/errors.ts';
import { startOf } from '../cursor.ts';
import { trackCursor } from '../cursor-filter.ts';
import type { RecordBlock } from '../json-rows.ts';
import { openRecords, type Records } from '../records.ts';
import type { OpenSource, ReadRequest, Source, SourceContext, SourcePlan } from '../source.ts';
import type { ExtractContext, ExtractCursor, Row } from './contract.ts';
import { findModule, loadExtractor, moduleFailure } from './module.ts';
import { rowText } from './row-text.ts';
import { watchExtractor, watchedRows } from './watch.ts';

const BLOCK_ROWS = 1000;

/** Rows of an extractor of the owner's own: a TypeScript or JavaScript module that this process loads. */
export const openCustomSource: OpenSource<'custom'> = (spec, context): Source => {
  let records: Records | undefined;
  return {
    plan: () => planCustom(spec),
    read(request) {
      records ??= openRecords(extractedBlocks(spec, context, request), {
        name: spec.module,
        place: (_origin, row) => `${spec.module}: row ${row}`,
        ...(spec.types !== undefined && { types: spec.types }),
        ...(spec.columns !== undefined && { columns: spec.columns }),
        warn: context.warn,
      });
      const batches = records.batches(request);
      const { cursor, onCursor } = request;
      return cursor === undefined || onCursor === undefined
        ? batches
        : trackCursor(batches, cursor, onCursor);
    },
  };
};

async function planCustom(spec: CustomSourceSpec): Promise<SourcePlan> {
  const name = spec.exportName === undefined ? spec.module : `${spec.exportName} of ${spec.module}`;
  try {
    return { description: `extractor ${name} (${await findModule(spec)})`, inputs: [] };
  } catch (error) {
    if (!(error instanceof FoundryError)) throw error;
    return { description: `extractor ${name}`, inputs: [], problem: `${error.message}. ${error.hint}` };
  }
}

async function* extractedBlocks(
  spec: CustomSourceSpec,
  context: SourceContext,
  request: ReadRequest,
): AsyncGenerator<RecordBlock> {
  const path = await findModule(spec);
  let row = 0;
  let texts: { text: string; line: number }[] = [];
  const reached = (): string => (row === 0 ? 'failed' : `failed after row ${row}`);
  const watch = watchExtractor(path, reached);
  try {
    const extract = await watch.during(loadExtractor(spec, path));
    const rows = await watch.during(Promise.resolve(extract(extractContext(spec, context, request))));
    if (!isIterable(rows)) {
      throw new FoundryError('EXT001', `${path}: the extractor returned no rows, but ${typeof rows}`, {
        hint: 'Return a list of rows, or make the method a generator that yields them.',
      });
    }
    for await (const item of watchedRows(rows, watch)) {
      throwIfStopped(request.signal);
      for (const one of Array.isArray(item) ? (item as readonly Row[]) : [item]) {
        row += 1;
        texts.push({ text: rowText(one, `${path}: row ${row}`), line: row });
      }
      if (texts.length >= BLOCK_ROWS) {
        yield { origin: spec.module, texts };
        texts = [];
      }
    }
  } catch (error) {
    throwIfStopped(request.signal);
    if (error instanceof FoundryError) throw error;
    throw moduleFailure(path, reached(), error);
  } finally {
    watch.end();
  }
  if (texts.length > 0) yield { origin: spec.module, texts };
}

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return (
    typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}

function extractContext(
  spec: CustomSourceSpec,
  { runDate, warn, log }: SourceContext,
  request: ReadRequest,
): ExtractContext {
  const cursor = extractCursor(request);
  return {
    params: spec.params,
    runDate: runDate.date,
    ...(runDate.hour !== undefined && { hour: runDate.hour }),
    signal: request.signal,
    log: { debug: (text) => log?.debug(text), info: (text) => log?.info(text), warn },
    ...(cursor !== undefined && { cursor }),
    ...(request.state !== undefined && { state: request.state.value }),
    saveState(value) {
      // A copy as JSON: what is not JSON is left out now, and later changes of the object change nothing.
      request.onState?.({ value: JSON.parse(JSON.stringify(value ?? null)) });
    },
  };
}

function extractCursor({ cursor }: ReadRequest): ExtractCursor | undefined {
  if (cursor === undefined) return undefined;
  const start = startOf(cursor);
  return {
    column: cursor.column,
    ...(start !== undefined && { start }),
    ...(cursor.until !== undefined && { until: cursor.until.value }),
  };
}
