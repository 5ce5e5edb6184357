import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '../../core/errors.ts';
import { headText, httpAnswer, type RawAnswer } from './raw-http-server.ts';

/** A page as it should be answered. */
export interface SoundPage {
  readonly records: readonly string[];
  /** What stands beside the records, as members of the answer. */
  readonly envelope: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** What can be known of a page's neighbours, for faults that mix pages up. */
export interface Around {
  readonly page: SoundPage;
  /** The page before; the first page has none. */
  readonly before: SoundPage | undefined;
  /** Where the page leads, were it an earlier page again. */
  readonly leadingBack: SoundPage | undefined;
  /** Path and query of the request. */
  readonly target: string;
  readonly random: () => number;
}

export interface FaultKind {
  /** Another attempt may meet a sound answer. */
  readonly passes: boolean;
  /** How a run may end that meets it, where it does not pass. */
  readonly codes: readonly ErrorCode[];
  readonly answer: (around: Around) => RawAnswer;
}

export function bodyOf({ records, envelope }: SoundPage): string {
  const members = Object.entries(envelope).map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  return `{${[...members, `"items":[${records.join(',')}]`].join(',')}}`;
}

export function soundAnswer(page: SoundPage): RawAnswer {
  return httpAnswer(200, { 'Content-Type': 'application/json', ...page.headers }, bodyOf(page));
}

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** A sound head, and a body that ends early. */
function cut(around: Around, end: 'close' | 'reset'): RawAnswer {
  const body = Buffer.from(bodyOf(around.page));
  const head = headText(200, { ...JSON_TYPE, 'Content-Length': String(body.length), ...around.page.headers });
  const sent = body.subarray(0, Math.floor(around.random() * body.length));
  return { parts: [head, ...(sent.length === 0 ? [] : [sent])], end };
}

function chunked(body: Buffer, sizes: readonly number[]): Buffer {
  const chunks = [];
  let from = 0;
  for (const size of sizes) {
    const chunk = body.subarray(from, from + size);
    from += size;
    if (chunk.length > 0)
      chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat(chunks);
}

const retryAfter = (random: () => number): Record<string, string> => {
  const date = new Date(Date.now() - 1000).toUTCString();
  const spelled = [undefined, '0', '3600', date, 'soon'][Math.floor(random() * 5)];
  return spelled === undefined ? {} : { 'Retry-After': spelled };
};

const busy =
  (statuses: readonly number[]) =>
  ({ random }: Around): RawAnswer => {
    const status = statuses[Math.floor(random() * statuses.length)] ?? 503;
    return httpAnswer(status, { ...JSON_TYPE, ...retryAfter(random) }, '{"error":"busy"}');
  };

const changed =
  (change: (text: string, around: Around) => Buffer | string, headers: Record<string, string> = {}) =>
  (around: Around): RawAnswer =>
    httpAnswer(
      200,
      { ...JSON_TYPE, ...around.page.headers, ...headers },
      change(bodyOf(around.page), around),
    );

const withEnvelope = (page: SoundPage, envelope: Readonly<Record<string, unknown>>): RawAnswer =>
  soundAnswer({ ...page, envelope: { ...page.envelope, ...envelope } });

/** All that goes wrong between an API and who reads it. */
export const FAULTS = {
  reset: { passes: true, codes: ['RETRY001'], answer: (around) => cut(around, 'reset') },
  short_body: { passes: true, codes: ['RETRY001'], answer: (around) => cut(around, 'close') },
  no_answer: { passes: true, codes: ['RETRY001'], answer: () => ({ parts: [], end: 'reset' }) },
  broken_chunks: {
    passes: true,
    codes: ['RETRY001'],
    answer: ({ page, random }) => {
      const body = Buffer.from(bodyOf(page));
      const sent = chunked(body.subarray(0, Math.floor(random() * body.length)), [7, 100, body.length]);
      return {
        parts: [headText(200, { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' }), sent],
        end: 'close',
      };
    },
  },
  silent: {
    passes: true,
    codes: ['RETRY001'],
    answer: ({ page }) => {
      const body = bodyOf(page);
      const head = headText(200, { ...JSON_TYPE, 'Content-Length': String(body.length) });
      return { parts: [head, body.slice(0, 1), 2500], end: 'close' };
    },
  },
  storm: { passes: true, codes: ['RETRY001'], answer: busy([429]) },
  server_error: { passes: true, codes: ['RETRY001'], answer: busy([500, 502, 503, 504]) },
  slow: {
    passes: true,
    codes: [],
    answer: ({ page }) => {
      const body = Buffer.from(bodyOf(page));
      const head = headText(200, { ...JSON_TYPE, 'Content-Length': String(body.length), ...page.headers });
      const third = Math.ceil(body.length / 3);
      return {
        parts: [
          head,
          10,
          body.subarray(0, third),
          10,
          body.subarray(third, 2 * third),
          10,
          body.subarray(2 * third),
        ],
        end: 'keep',
      };
    },
  },
  /** Stands for every sound way of sending a page that a client must take. */
  chunks: {
    passes: true,
    codes: [],
    answer: ({ page, random }) => {
      const body = gzipSync(bodyOf(page));
      const head = headText(200, {
        ...JSON_TYPE,
        'Transfer-Encoding': 'chunked',
        'Content-Encoding': 'gzip',
        ...page.headers,
      });
      const sizes = [1 + Math.floor(random() * 20), 3, body.length];
      return { parts: [head, Buffer.concat([chunked(body, sizes), Buffer.from('0\r\n\r\n')])], end: 'keep' };
    },
  },
  wrong_length: {
    passes: false,
    codes: ['DATA001', 'RETRY001'],
    answer: (around) => {
      const body = bodyOf(around.page);
      const stated = Math.floor(around.random() * (body.length - 1));
      return {
        parts: [
          headText(200, { ...JSON_TYPE, 'Content-Length': String(stated), ...around.page.headers }),
          body,
        ],
        end: 'close',
      };
    },
  },
  cut_json: {
    passes: false,
    codes: ['DATA001'],
    answer: changed((text, { random }) => text.slice(0, 1 + Math.floor(random() * (text.length - 2)))),
  },
  html: {
    passes: false,
    codes: ['DATA001', 'EXT001'],
    answer: () => httpAnswer(200, { 'Content-Type': 'text/html' }, '<html><body>Please log in</body></html>'),
  },
  latin1: {
    passes: false,
    codes: ['DATA001'],
    answer: changed((text) => Buffer.from(text.replace('{"id"', '{"é":"é","id"'), 'latin1'), {
      'Content-Type': 'application/json; charset=utf-8',
    }),
  },
  not_gzip: {
    passes: false,
    codes: ['DATA001', 'EXT001', 'RETRY001'],
    answer: changed((text) => text, { 'Content-Encoding': 'gzip' }),
  },
  cut_gzip: {
    passes: false,
    codes: ['DATA001', 'EXT001', 'RETRY001'],
    answer: changed((text) => gzipSync(text).subarray(0, -9), { 'Content-Encoding': 'gzip' }),
  },
  broken_record: {
    passes: false,
    codes: ['DATA001'],
    answer: ({ page, random }) => {
      const broken = Math.floor(random() * page.records.length);
      const records = page.records.map((text, at) =>
        at === broken ? text.replace('"id":', '"id":0') : text,
      );
      return soundAnswer({ ...page, records });
    },
  },
  error_envelope: {
    passes: false,
    codes: ['EXT001'],
    answer: ({ page }) => withEnvelope({ ...page, records: [] }, { error: { message: 'quota exceeded' } }),
  },
  redirect_loop: {
    passes: false,
    codes: ['EXT001'],
    answer: ({ target }) => httpAnswer(302, { Location: target }, ''),
  },
  not_found: {
    passes: false,
    codes: ['EXT001'],
    answer: () => httpAnswer(404, JSON_TYPE, '{"error":"none"}'),
  },
  refused: {
    passes: false,
    codes: ['AUTH001'],
    answer: () => httpAnswer(401, JSON_TYPE, '{"error":"who?"}'),
  },
  duplicate_page: {
    passes: false,
    codes: ['PAGE001'],
    answer: ({ page, before }) => soundAnswer({ ...page, records: before?.records ?? page.records }),
  },
  cycle: {
    passes: false,
    codes: ['PAGE001'],
    answer: ({ page, leadingBack }) => soundAnswer(leadingBack ?? page),
  },
  no_records: {
    passes: false,
    codes: ['DATA001'],
    answer: ({ page }) => httpAnswer(200, { ...JSON_TYPE, ...page.headers }, JSON.stringify(page.envelope)),
  },
  lost_rows: {
    passes: false,
    codes: ['PAGE001'],
    answer: ({ page }) => soundAnswer({ ...page, records: page.records.slice(1) }),
  },
  lying_total: {
    passes: false,
    codes: ['PAGE001'],
    answer: ({ page, random }) =>
      withEnvelope(page, { total: Number(page.envelope.total) + (random() < 0.5 ? -7 : 7) }),
  },
} as const satisfies Readonly<Record<string, FaultKind>>;

export type FaultName = keyof typeof FAULTS;
