import { describe, expect, test } from 'bun:test';
import { type ApiServer, startApiServer } from '../testing/api-server.ts';
import { duckdb, quote } from './readers.ts';
import { classic, openWorkspace, type Workspace } from './support.ts';

interface Ticket {
  readonly id: number;
  readonly at: string;
}

interface Desk {
  readonly w: Workspace;
  readonly server: ApiServer;
  /** What the API has from now on. */
  set(...tickets: readonly Ticket[]): void;
  land(date: string, ...flags: string[]): Promise<Record<string, unknown> & { readonly cursor: object }>;
  ids(date: string): Promise<number[]>;
}

/** Runs a claim with an API of tickets that heeds `since` in its way. */
function desk(
  api: object,
  give: (tickets: readonly Ticket[], since: string) => readonly Ticket[],
  claim: (desk: Desk) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const w = await openWorkspace();
    let tickets: readonly Ticket[] = [];
    const server = startApiServer(({ query }) => ({ items: give(tickets, query.since ?? '') }));
    const partition = (date: string) => `output/system=s/table=t/pattern=cdc/dt=${date}`;
    try {
      await claim({
        w,
        server,
        set: (...given) => {
          tickets = given;
        },
        async land(date, ...flags) {
          const source = {
            type: 'api',
            file: undefined,
            api: { base_url: server.url, endpoint: '/', cursor_field: 'at', ...api },
            run: { load_pattern: 'cdc' },
          };
          await w.put('a.yaml', classic({ source }));
          const { document } = await w.json(0, 'bronze', '--config', 'a.yaml', '--date', date, ...flags);
          return document.reports[0];
        },
        async ids(date) {
          const files = quote(w.path(partition(date), '*.parquet'));
          const found = (await w.files(partition(date))).some((name) => name.endsWith('.parquet'));
          if (!found) return [];
          return (await duckdb(`SELECT id FROM read_parquet(${files}) ORDER BY id`)).map(({ id }) =>
            Number(id),
          );
        },
      });
    } finally {
      await server.stop();
      await w.remove();
    }
  };
}

const day = (n: number, time = '10:00:00'): string => `2025-01-0${n}T${time}Z`;
const SINCE = { incremental: { cursor_param: 'since', lookback: '1h' } };
const atOrAfter = (tickets: readonly Ticket[], since: string) => tickets.filter(({ at }) => at >= since);

describe('an API that is read incrementally', () => {
  test(
    'lands rows that come late with the very time of the end, and within the lookback, and none of the others twice',
    desk(SINCE, atOrAfter, async ({ set, land, ids, server }) => {
      const first = [
        { id: 1, at: day(1) },
        { id: 2, at: day(2) },
        { id: 3, at: day(3) },
      ];
      set(...first);
      expect(await land('2025-01-05')).toMatchObject({ rows: 3, cursor: { start: null, end: day(3) } });
      const late = { id: 4, at: day(3) };
      const earlier = { id: 5, at: day(3, '09:30:00') };
      const lost = { id: 6, at: day(3, '08:00:00') };
      set(...first, late, earlier, lost, { id: 7, at: day(4) });
      const second = await land('2025-01-06');
      expect(second).toMatchObject({
        rows: 3,
        cursor: { start: day(3), end: day(4), repeated: 1, reread: 1 },
      });
      expect(await ids('2025-01-06')).toEqual([4, 5, 7]);
      expect(server.requests.at(-1)?.query.since).toBe('2025-01-03T09:00:00Z');
    }),
  );

  test(
    'which gives everything whatever it is asked for lands only what is new',
    desk(
      { incremental: {} },
      (tickets) => tickets,
      async ({ set, land, ids, server }) => {
        set({ id: 1, at: day(1) }, { id: 2, at: day(2) });
        await land('2025-01-05');
        set({ id: 1, at: day(1) }, { id: 2, at: day(2) }, { id: 3, at: day(3) });
        await land('2025-01-06');
        expect(await ids('2025-01-06')).toEqual([3]);
        expect(server.requests.map(({ query }) => query)).toEqual([{}, {}]);
      },
    ),
  );

  test(
    'whose times have nanoseconds, without zeros at their ends, lands each row in the order of time',
    desk(
      { incremental: {} },
      (tickets) => tickets,
      async ({ set, land, ids }) => {
        const first = [
          { id: 1, at: day(1, '10:00:05.123456789') },
          { id: 2, at: day(1, '10:00:06') },
        ];
        set(...first);
        await land('2025-01-05');
        // As a text, `10:00:06.5Z` comes before `10:00:06Z`.
        set(...first, { id: 3, at: day(1, '10:00:06.5') }, { id: 4, at: day(1, '10:00:06.500000001') });
        const second = await land('2025-01-06');
        expect(second).toMatchObject({ rows: 2, cursor: { end: day(1, '10:00:06.500000001'), repeated: 1 } });
        expect(await ids('2025-01-06')).toEqual([3, 4]);
      },
    ),
  );

  test(
    'is landed again for an earlier date without what a later one holds, and from the beginning with --full-refresh',
    desk(SINCE, atOrAfter, async ({ set, land, ids, w }) => {
      set({ id: 1, at: day(1) });
      await land('2025-01-05');
      set({ id: 1, at: day(1) }, { id: 2, at: day(3) });
      await land('2025-01-07');
      const before = await w.files('output');
      const again = await land('2025-01-07');
      expect([again.status, await w.files('output')]).toEqual(['unchanged', before]);
      await land('2025-01-06');
      expect([await ids('2025-01-05'), await ids('2025-01-06'), await ids('2025-01-07')]).toEqual([
        [1],
        [],
        [2],
      ]);
      const fresh = await land('2025-01-08', '--full-refresh');
      expect(fresh.rows).toBe(2);
    }),
  );

  test('gives Silver each version of a record once, however often the lookback lands it again', async () => {
    const w = await openWorkspace();
    let tickets: readonly (Ticket & { readonly status: string })[] = [];
    const server = startApiServer(({ query }) => tickets.filter(({ at }) => at >= (query.since ?? '')));
    try {
      await w.put('a.yaml', {
        system: 's',
        entity: 't',
        bronze: {
          source_type: 'api',
          options: {
            load_pattern: 'cdc',
            api: {
              base_url: server.url,
              cursor_field: 'at',
              incremental: { cursor_param: 'since', lookback: '2d' },
            },
          },
        },
        silver: {
          entity_kind: 'state',
          history_mode: 'scd2',
          natural_keys: ['id'],
          change_ts_column: 'at',
          attributes: ['status'],
          input_scope: 'history',
          partition_by: [],
        },
      });
      const run = async (date: string) => {
        const { document } = await w.json(0, 'run-intent', '--config', 'a.yaml', '--date', date);
        return document.reports[0];
      };
      const first = [
        { id: 1, at: day(1), status: 'open' },
        { id: 2, at: day(2), status: 'open' },
      ];
      tickets = first;
      await run('2025-01-05');
      // One changed, and one came late with a time before the last end.
      tickets = [
        ...first,
        { id: 1, at: day(3), status: 'done' },
        { id: 3, at: day(1, '12:00:00'), status: 'open' },
      ];
      expect(await run('2025-01-06')).toMatchObject({ rows: 3, cursor: { reread: 2, repeated: 1 } });
      const silver = w.path('silver/domain=s/entity=t/v1/load_date=2025-01-06');
      const rows = async (artifact: string) =>
        duckdb(
          `SELECT id::INT AS id, status FROM read_parquet(${quote(`${silver}/${artifact}-*.parquet`)}) ORDER BY id, "at"`,
        );
      expect(await rows('state_current')).toEqual([
        { id: 1, status: 'done' },
        { id: 2, status: 'open' },
        { id: 3, status: 'open' },
      ]);
      expect(await rows('state_history')).toEqual([
        { id: 1, status: 'open' },
        { id: 1, status: 'done' },
        { id: 2, status: 'open' },
        { id: 3, status: 'open' },
      ]);
    } finally {
      await server.stop();
      await w.remove();
    }
  }, 20_000);
});
