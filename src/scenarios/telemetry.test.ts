import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { openPublishedSchemas, type PublishedSchemas } from '../testing/published.ts';
import { classic, csv, DATE, expectExit, runFoundry, scenario, type Workspace } from './support.ts';

setDefaultTimeout(30_000);
interface Received {
  readonly path: string;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into every field
  readonly body: any;
}
interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

/** Stands in for an OpenTelemetry collector: it takes OTLP over HTTP, and refuses what its protobuf messages refuse. */
let schemas: PublishedSchemas;
let collector: Bun.Server<undefined>;
let base: string;
const received: Received[] = [];
const problems: string[] = [];

beforeAll(() => {
  schemas = openPublishedSchemas();
  collector = Bun.serve({
    port: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname;
      const raw = new Uint8Array(await request.arrayBuffer());
      const isPacked = request.headers.get('content-encoding') === 'gzip';
      const body = JSON.parse(new TextDecoder().decode(isPacked ? Bun.gunzipSync(raw) : raw));
      received.push({ path, headers: request.headers, body });
      const found = await schemas.problems(path.endsWith('/metrics') ? 'metrics' : 'traces', body);
      problems.push(...found);
      return Response.json({}, { status: found.length === 0 ? 200 : 400 });
    },
  });
  base = `http://localhost:${collector.port}`;
});
afterAll(async () => {
  await collector.stop(true);
  await schemas.close();
});
beforeEach(() => {
  received.length = 0;
  problems.length = 0;
});

const ARGS = ['--config', 'a.yaml', '--date', DATE];
const run = (w: Workspace, env: Record<string, string>, ...args: string[]) =>
  runFoundry(args, { cwd: w.folder, env });

async function putGood(w: Workspace): Promise<void> {
  await w.put('in.csv', csv(['id', 'at'], [1, '2025-01-01'], [2, '2025-01-02'], [3, '2025-01-03']));
  await w.put(
    'a.yaml',
    classic({
      run: { max_rows_per_file: 2 },
      silver: { model: 'scd_type_2', primary_keys: ['id'], order_column: 'at' },
    }),
  );
}

function spans(): Span[] {
  return received
    .filter(({ path }) => path.endsWith('/traces'))
    .flatMap(({ body }) => body.resourceSpans[0].scopeSpans[0].spans);
}

const attribute = (span: Span | undefined, key: string): unknown =>
  Object.values(span?.attributes.find((one) => one.key === key)?.value ?? {})[0];

describe('OpenTelemetry', () => {
  test(
    'a collector gets valid spans of run, steps, parts, queries, models and commits, each below what it is part of',
    scenario(async (w) => {
      await putGood(w);
      expectExit(await run(w, { OTEL_EXPORTER_OTLP_ENDPOINT: base }, 'run-intent', ...ARGS), 0);
      expect(problems).toEqual([]);
      const all = spans();
      const byId = new Map(all.map((span) => [span.spanId, span]));
      const chain = (span: Span): string[] => {
        const above = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId);
        return [...(above === undefined ? [] : chain(above)), span.name.replace('foundry.', '')];
      };
      const chains = new Set(all.map((span) => chain(span).join(' > ')));
      for (const wanted of [
        'run',
        'run > bronze',
        'run > bronze > part',
        'run > bronze > commit',
        'run > silver',
        'run > silver > query',
        'run > silver > model',
        'run > silver > model > part > query',
        'run > silver > commit',
      ]) {
        expect([...chains]).toContain(wanted);
      }
      expect(new Set(all.map((span) => span.traceId)).size).toBe(1);
      for (const span of all) {
        expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
        const above = byId.get(span.parentSpanId ?? '');
        if (above === undefined) continue;
        expect(BigInt(span.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(above.startTimeUnixNano));
      }
      const bronze = all.find((span) => span.name === 'foundry.bronze');
      expect(attribute(bronze, 'foundry.dataset')).toBe('s.t');
      expect(attribute(bronze, 'foundry.rows')).toBe('3');
      const resource = received[0]?.body.resourceSpans[0].resource.attributes;
      expect(resource).toContainEqual({ key: 'service.name', value: { stringValue: 'foundry' } });
    }),
  );

  test(
    'the metrics count steps, rows and bytes by dataset and layer, and time the steps',
    scenario(async (w) => {
      await putGood(w);
      const env = {
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${base}/own/metrics`,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-team=data%20ops',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_SERVICE_NAME: 'lake',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=prod',
      };
      expectExit(await run(w, env, 'run-intent', ...ARGS), 0);
      expect(problems).toEqual([]);
      expect(received.map(({ path }) => path)).toEqual(['/own/metrics']);
      expect(received[0]?.headers.get('x-team')).toBe('data ops');
      const [{ resource, scopeMetrics }] = received[0]?.body.resourceMetrics ?? [];
      expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'lake' } });
      expect(resource.attributes).toContainEqual({
        key: 'deployment.environment',
        value: { stringValue: 'prod' },
      });
      const [{ metrics }] = scopeMetrics;
      const rows = metrics.find(({ name }: { name: string }) => name === 'foundry.rows').sum.dataPoints;
      expect(rows.map(({ asDouble }: { asDouble: number }) => asDouble)).toEqual([3, 6]);
      const duration = metrics.find(({ name }: { name: string }) => name === 'foundry.step.duration');
      expect(duration.histogram.dataPoints).toHaveLength(2);
    }),
  );

  test(
    'a failure marks its spans with the code, and TRACEPARENT gives the trace its parent, or leaves it unsampled',
    scenario(async (w) => {
      await w.put('a.yaml', classic({ file: { path: 'gone.csv' } }));
      const trace = '0af7651916cd43dd8448eb211c80319c';
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_METRICS_EXPORTER: 'none' };
      expectExit(
        await run(w, { ...env, TRACEPARENT: `00-${trace}-b7ad6b7169203331-01` }, 'bronze', ...ARGS),
        4,
      );
      expect(problems).toEqual([]);
      const all = spans();
      expect(all.every((span) => span.traceId === trace)).toBe(true);
      expect(all.find((span) => span.name === 'foundry.run')?.parentSpanId).toBe('b7ad6b7169203331');
      const bronze = all.find((span) => span.name === 'foundry.bronze');
      expect(bronze?.status.code).toBe(2);
      expect(attribute(bronze, 'error.type')).toBe('EXT001');
      received.length = 0;
      expectExit(
        await run(w, { ...env, TRACEPARENT: `00-${trace}-b7ad6b7169203331-00` }, 'bronze', ...ARGS),
        4,
      );
      expectExit(await run(w, { ...env, OTEL_TRACES_SAMPLER: 'always_off' }, 'bronze', ...ARGS), 4);
      expect(received).toEqual([]);
    }),
  );

  test(
    'each request to an API is a span with its address and status, and no secret of it',
    scenario(async (w) => {
      let asked = 0;
      using api = Bun.serve({
        port: 0,
        fetch: () => {
          asked += 1;
          return asked === 1 ? new Response('busy', { status: 503 }) : Response.json([{ id: 1 }]);
        },
      });
      await w.put('a.yaml', {
        platform: { bronze: { storage_backend: 'local', local_path: './output' } },
        source: {
          type: 'api',
          system: 's',
          table: 't',
          api: {
            base_url: `http://localhost:${api.port}`,
            endpoint: '/items',
            auth_type: 'bearer',
            auth_token_env: 'TOKEN',
          },
        },
      });
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: base, TOKEN: 'the-secret-of-the-api' };
      expectExit(await run(w, env, 'bronze', ...ARGS), 0);
      expect(problems).toEqual([]);
      const requests = spans().filter((span) => span.name === 'foundry.request');
      expect(requests.map((span) => attribute(span, 'http.response.status_code'))).toEqual(['503', '200']);
      expect(attribute(requests[0], 'url.full')).toBe(`http://localhost:${api.port}/items`);
      expect(JSON.stringify(received)).not.toContain('the-secret-of-the-api');
    }),
  );

  test(
    'nothing is sent without a variable that asks for it, nor by plans, nor where the SDK is disabled',
    scenario(async (w) => {
      await putGood(w);
      const on = { OTEL_EXPORTER_OTLP_ENDPOINT: base };
      expectExit(await run(w, {}, 'run-intent', ...ARGS), 0);
      expectExit(await run(w, on, 'run-intent', ...ARGS, '--dry-run'), 0);
      expectExit(await run(w, { ...on, OTEL_SDK_DISABLED: 'true' }, 'run-intent', ...ARGS), 0);
      const none = { ...on, OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' };
      expectExit(await run(w, none, 'run-intent', ...ARGS), 0);
      expect(received).toEqual([]);
    }),
  );

  test(
    'BRONZE_TRACING sends traces to the usual port; a collector that is not there is one warning and changes nothing',
    scenario(async (w) => {
      await putGood(w);
      const own = { BRONZE_TRACING: 'yes', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${base}/v1/traces` };
      expectExit(await run(w, own, 'bronze', ...ARGS), 0);
      expect(spans().map((span) => span.name)).toContain('foundry.run');
      const nobody = await run(w, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:1' }, 'bronze', ...ARGS);
      expectExit(nobody, 0);
      expect(nobody.stderr.match(/telemetry cannot be sent to http:\/\/localhost:1\/…/g)?.length).toBe(2);
    }),
  );
});
