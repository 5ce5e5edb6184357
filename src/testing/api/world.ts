import { FAULTS, type FaultKind, type FaultName, type SoundPage, soundAnswer } from './faults.ts';
import { httpAnswer, type RawAnswer, type RawRequest, startRawServer } from './raw-http-server.ts';

export const SCHEMES = ['page', 'offset', 'cursor', 'next_url', 'link_header', 'keyset'] as const;
export type SchemeName = (typeof SCHEMES)[number];

/** What goes wrong with one page, and how many times; endless where it never passes. */
export interface PlannedFault {
  readonly page: number;
  readonly name: FaultName;
  readonly times: number;
}

/** An API of some records, and what is to go wrong with it. All of it follows from the seed. */
export interface World {
  readonly seed: number;
  readonly scheme: SchemeName;
  readonly records: readonly string[];
  readonly pageSize: number;
  readonly statesTotal: boolean;
  readonly isConcurrent: boolean;
  readonly faults: readonly PlannedFault[];
}

export const ATTEMPTS = 3;

/** Numbers in [0, 1) that follow from the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function inventWorld(seed: number): World {
  const random = seeded(seed);
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const pick = <T>(list: readonly T[]): T => list[upTo(list.length - 1)] as T;
  const scheme = pick(SCHEMES);
  const pageSize = 1 + upTo(5);
  // Exact multiples of the page size end otherwise than the rest.
  const records = inventRecords(random() < 0.3 ? pageSize * (1 + upTo(4)) : upTo(28), random);
  const pages = Math.max(1, Math.ceil(records.length / pageSize));
  const statesTotal = random() < 0.5;
  const faults: PlannedFault[] = [];
  const wanted = random() < 0.15 ? 0 : 1 + upTo(2);
  for (let i = 0; i < wanted; i += 1) {
    const name = pick(Object.keys(FAULTS) as FaultName[]);
    // A total that only an earlier page states is not the last word.
    const page = name === 'lying_total' ? pages - 1 : upTo(pages - 1);
    if (!applies(name, { page, scheme, statesTotal, records: records.length })) continue;
    if (faults.some((fault) => fault.page === page)) continue;
    const kind: FaultKind = FAULTS[name];
    const passes = kind.passes && (kind.codes.length === 0 || random() < 0.7);
    faults.push({ page, name, times: passes ? 1 + upTo(ATTEMPTS - 2) : Number.POSITIVE_INFINITY });
  }
  return { seed, scheme, records, pageSize, statesTotal, isConcurrent: random() < 0.5, faults };
}

interface Where {
  readonly page: number;
  readonly scheme: SchemeName;
  readonly statesTotal: boolean;
  readonly records: number;
}

/** Whether a fault is one at all on that page, one that can be known to be one. */
function applies(name: FaultName, { page, scheme, statesTotal, records }: Where): boolean {
  switch (name) {
    case 'latin1':
    case 'broken_record':
      return records > 0;
    case 'duplicate_page':
      return page > 0;
    case 'cycle':
      return page > 0 && ['cursor', 'next_url', 'link_header'].includes(scheme);
    case 'lost_rows':
      // By offsets, a short page and the one behind it can give the stated number of records all the same.
      return statesTotal && records > 0 && scheme !== 'offset';
    case 'lying_total':
      return statesTotal;
    default:
      return true;
  }
}

function inventRecords(count: number, random: () => number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const members = [
      `"id":${index + 1}`,
      `"big":${9_007_199_254_740_993n + BigInt(index)}`,
      `"name":${JSON.stringify(`n${index} é😀 "quoted"`)}`,
      `"amount":${index}.${Math.floor(random() * 90) + 10}`,
      ...(random() < 0.5 ? [`"tags": [ ${index}.10, "a b" ]`] : []),
      ...(random() < 0.2 ? ['"rare":null'] : []),
    ];
    return `{${members.join(', ')}}`;
  });
}

export interface RunningWorld {
  readonly url: string;
  readonly requests: readonly RawRequest[];
  stop(): Promise<void>;
}

/** @param faults what goes wrong this time. */
export async function startWorld(world: World, faults: readonly PlannedFault[]): Promise<RunningWorld> {
  const random = seeded(world.seed + 1);
  const left = new Map(faults.map(({ page, name, times }) => [page, { name, times }]));
  /** What is behind the last page repeats its lie. */
  const lyingSince = (page: number) =>
    [...left].find(([at, { name }]) => at < page && name === 'lying_total')?.[1];
  const server = await startRawServer((request): RawAnswer => {
    const page = requestedPage(world, request);
    if (page === undefined) return httpAnswer(400, {}, '{"error":"no such page"}');
    const sound = soundPage(world, page, server.url);
    const fault = left.get(page) ?? lyingSince(page);
    if (fault === undefined || fault.times <= 0) return soundAnswer(sound);
    fault.times -= 1;
    const back = page === 0 ? undefined : soundPage(world, page - 1, server.url);
    const leadingBack = back && {
      ...sound,
      envelope: { ...sound.envelope, ...leadOf(back) },
      headers: back.headers,
    };
    return FAULTS[fault.name].answer({
      page: sound,
      before: back,
      leadingBack,
      random,
      target: request.target,
    });
  });
  return server;
}

function leadOf({ envelope }: SoundPage): Record<string, unknown> {
  return Object.fromEntries(Object.entries(envelope).filter(([name]) => name.startsWith('next')));
}

/** Which page (from 0) is asked for. */
function requestedPage(
  { scheme, pageSize, records }: World,
  { path, query }: RawRequest,
): number | undefined {
  switch (scheme) {
    case 'page':
      return Number(query.get('page') ?? 1) - 1;
    case 'offset':
      return Number(query.get('offset') ?? 0) / pageSize;
    case 'cursor':
      return query.has('cursor') ? Number(/^c(\d+)$/.exec(query.get('cursor') ?? '')?.[1] ?? 0) : 0;
    case 'next_url':
    case 'link_header':
      return Number(/^\/items\/(\d+)$/.exec(path)?.[1] ?? 0);
    case 'keyset': {
      const since = Number(query.get('since_id') ?? 0);
      const behind = records.findIndex((text) => idOf(text) > since);
      return Math.ceil((behind === -1 ? records.length : behind) / pageSize);
    }
  }
}

function idOf(record: string): number {
  return Number(/"id":(\d+)/.exec(record)?.[1] ?? 0);
}

function soundPage(world: World, page: number, url: string): SoundPage {
  const { scheme, records, pageSize, statesTotal } = world;
  const from = page * pageSize;
  const isLast = from + pageSize >= records.length;
  const next = isLast ? undefined : page + 1;
  const total = statesTotal ? { total: records.length } : {};
  const lead = (): Record<string, unknown> => {
    if (scheme === 'cursor') return { next_cursor: next === undefined ? null : `c${next}` };
    if (scheme === 'next_url') return { next: next === undefined ? null : `${url}/items/${next}` };
    return {};
  };
  return {
    records: records.slice(from, from + pageSize),
    envelope: { ...total, ...lead() },
    headers:
      scheme === 'link_header' && next !== undefined ? { Link: `<${url}/items/${next}>; rel="next"` } : {},
  };
}

/** The `source.api` that reads it. */
export function apiOptionsOf(
  { scheme, pageSize, statesTotal, isConcurrent, faults }: World,
  url: string,
): object {
  return {
    base_url: url,
    endpoint: '/items',
    data_path: 'items',
    error_path: 'error',
    types: { id: 'int64', big: 'int64', name: 'string', amount: 'decimal(10,2)', tags: 'json' },
    pagination: {
      type: scheme,
      ...(scheme === 'page' || scheme === 'offset' ? { page_size: pageSize } : {}),
      ...(statesTotal ? { total_path: 'total' } : {}),
    },
    retry: { max_attempts: ATTEMPTS, base_delay: 0.001, max_delay: 0.002, max_retry_after: 0.005 },
    timeouts: { idle_seconds: faults.some(({ name }) => name === 'silent') ? 0.8 : 30 },
    async: isConcurrent,
  };
}
