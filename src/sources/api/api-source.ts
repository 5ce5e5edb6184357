import type { ApiSourceSpec } from '../../config/api/spec.ts';
import type { Batches } from '../../core/batch.ts';
import { FoundryError } from '../../core/errors.ts';
import { withoutSecrets } from '../../core/secret.ts';
import { trackCursor } from '../cursor-filter.ts';
import type { RecordBlock } from '../json-rows.ts';
import { openRecords, type Records } from '../records.ts';
import type { ReadRequest, Source, SourceContext, SourcePlan } from '../source.ts';
import { checkFirstPage } from './check.ts';
import { type ApiClient, openClient } from './client.ts';
import { cursorParameter } from './cursor-parameter.ts';
import { datedSpec } from './dated.ts';
import type { Exchange } from './exchange.ts';
import { endpointUrl, requestBuilder } from './requests.ts';
import { checkSecrets } from './secrets.ts';
import { walkPages } from './walk.ts';

/** An API, read page by page; its answers flow into rows as they come. */
export function openApiSource(written: ApiSourceSpec, context: SourceContext): Source {
  const spec = datedSpec(written, context.runDate);
  const env = context.env ?? process.env;
  let records: Records | undefined;
  let blocks: AsyncGenerator<RecordBlock> | undefined;
  const closed = new AbortController();
  return {
    async plan(): Promise<SourcePlan> {
      try {
        const url = endpointUrl(spec, env);
        const description = `${spec.method} ${url.href}, ${pagesOf(spec)}`;
        const problem = checkSecrets(spec, env);
        return { description, inputs: [], ...(problem !== undefined && { problem }) };
      } catch (error) {
        if (!(error instanceof FoundryError)) throw error;
        return { description: `${spec.method} ${spec.endpoint}`, inputs: [], problem: error.message };
      }
    },
    async check(signal) {
      const endpoint = endpointUrl(spec, env);
      const client = openClient(spec, { origin: endpoint.origin, env, warn: context.warn });
      return checkFirstPage(spec, client.exchange, requestBuilder(spec, endpoint), client.redact, signal);
    },
    read(request): Batches {
      blocks ??= recordBlocks(spec, context, request, closed.signal);
      records ??= openRecords(blocks, {
        name: `${spec.method} ${spec.endpoint}`,
        place: (origin, record) => `${origin}, record ${record}`,
        types: spec.types,
        ...(spec.columns !== undefined && { columns: spec.columns }),
        warn: context.warn,
      });
      const batches = records.batches(request);
      const { cursor, onCursor } = request;
      return cursor === undefined || onCursor === undefined
        ? batches
        : trackCursor(batches, cursor, onCursor);
    },
    async close() {
      closed.abort();
      await blocks?.return(undefined).catch(() => undefined);
    },
  };
}

function pagesOf({ pagination }: ApiSourceSpec): string {
  return pagination.type === 'none' ? 'one request' : `pages by ${pagination.type.replaceAll('_', ' ')}`;
}

/**
 * The records of all pages. Nothing is asked for before the first block is wanted.
 *
 * @param closed ends what is under way
 */
async function* recordBlocks(
  spec: ApiSourceSpec,
  context: SourceContext,
  request: ReadRequest,
  closed: AbortSignal,
): AsyncGenerator<RecordBlock> {
  const env = context.env ?? process.env;
  const endpoint = endpointUrl(spec, env);
  let client: ApiClient | undefined;
  const live = (): Exchange => {
    client ??= openClient(spec, {
      origin: endpoint.origin,
      env,
      warn: context.warn,
      ...(request.onBytes !== undefined && { onBytes: request.onBytes }),
    });
    return client.exchange;
  };
  const exchange = context.exchange === undefined ? live() : context.exchange(live);
  const pages = walkPages(limited(spec, request), exchange, {
    requests: requestBuilder(spec, endpoint, cursorParameter(spec, request.cursor)),
    signal: AbortSignal.any([request.signal, closed]),
    isConcurrent: isConcurrent(spec, env),
    warn: context.warn,
    redact: (text) => client?.redact(text) ?? text,
  });
  for await (const { number, origin, page, take } of pages) {
    request.onStep?.(`reading page ${number}`);
    if (spec.keepRaw) await request.onRawPage?.({ origin, body: withoutSecrets(page.text()) });
    let left = take;
    for (const block of page.records()) {
      if (left === 0) break;
      const texts = block.slice(0, left);
      left -= texts.length;
      yield { origin, texts };
    }
  }
}

/** Whoever wants only some rows is not read ahead for. */
function limited(spec: ApiSourceSpec, { limitRows }: ReadRequest): ApiSourceSpec {
  if (limitRows === undefined) return spec;
  const maxRecords = Math.min(limitRows, spec.pagination.maxRecords ?? limitRows);
  return { ...spec, pagination: { ...spec.pagination, maxRecords } };
}

/** `BRONZE_ASYNC_HTTP` decides where it is set: `1`, `true` and `yes` are on, anything else is off. */
function isConcurrent(spec: ApiSourceSpec, env: Readonly<Record<string, string | undefined>>): boolean {
  const text = env.BRONZE_ASYNC_HTTP?.trim().toLowerCase() ?? '';
  return text === '' ? (spec.isConcurrent ?? false) : ['1', 'true', 'yes'].includes(text);
}
