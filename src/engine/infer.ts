import type { DataType } from '../core/schema.ts';
import type { Engine } from './engine.ts';
import { identifier } from './sql.ts';
import { matches, textCastSql, validDate } from './text-cast.ts';

const SAMPLE_ROWS = 2048;

/** In the order in which `table/infer.ts` tries them. */
const CANDIDATES = ['boolean', 'int64', 'double', 'decimal', 'date', 'timestamp'] as const;
type Candidate = (typeof CANDIDATES)[number];

type Facts = Readonly<Record<string, unknown>>;
/** `undefined`: no value was looked at; `unsure`: only the other lane can tell. */
type Verdict = DataType | 'no' | 'unsure' | undefined;

interface Check {
  /** Aggregates over the column's texts that are not NULL, by name. */
  readonly facts: (text: string) => Readonly<Record<string, string>>;
  readonly verdict: (facts: Facts) => Verdict;
}

/**
 * The types that `table/infer.ts` gives text columns, decided on every value: the first rows rule out what a column
 * is not, then each column is looked at as the first type that is left, and the next one where that fails.
 * @param from a FROM clause; the names are columns of it.
 * @returns a type per name, or `declined` when the engine cannot tell for sure (doubles of unusual shape).
 */
export async function inferTypes(
  engine: Engine,
  from: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, DataType> | 'declined'> {
  const types = new Map<string, DataType>();
  const open = new Map<string, Candidate[]>(names.map((name) => [name, [...CANDIDATES]]));
  const sample = await verdicts(engine, `FROM (SELECT * ${from} LIMIT ${SAMPLE_ROWS})`, open);
  for (const [name, found] of sample) {
    open.set(
      name,
      CANDIDATES.filter((candidate) => found.get(candidate) !== 'no'),
    );
  }
  while (open.size > 0) {
    for (const [name, candidates] of open) if (candidates.length === 0) open.delete(name);
    const first = new Map([...open].map(([name, candidates]) => [name, candidates.slice(0, 1)]));
    for (const [name, found] of await verdicts(engine, from, first)) {
      const candidates = open.get(name) ?? [];
      const verdict = found.get(candidates[0] as Candidate);
      if (verdict === 'unsure') return 'declined';
      if (verdict === 'no') open.set(name, candidates.slice(1));
      else open.delete(name);
      if (verdict !== 'no' && verdict !== undefined) types.set(name, verdict);
    }
  }
  return types;
}

async function verdicts(
  engine: Engine,
  from: string,
  asked: ReadonlyMap<string, readonly Candidate[]>,
): Promise<Map<string, Map<Candidate, Verdict>>> {
  const columns: string[] = [];
  for (const [name, candidates] of asked) {
    for (const candidate of candidates) {
      const text = identifier(name);
      for (const aggregate of Object.values(CHECKS[candidate].facts(text))) {
        columns.push(`${aggregate} FILTER (WHERE ${text} IS NOT NULL) AS f${columns.length}`);
      }
    }
  }
  if (columns.length === 0) return new Map();
  const [row = {}] = await engine.query(`SELECT ${columns.join(', ')} ${from}`);
  let next = 0;
  const found = new Map<string, Map<Candidate, Verdict>>();
  for (const [name, candidates] of asked) {
    const own = new Map<Candidate, Verdict>();
    for (const candidate of candidates) {
      const { facts, verdict } = CHECKS[candidate];
      const entries = Object.keys(facts('x')).map((fact) => [fact, row[`f${next++}`]] as const);
      const known = Object.fromEntries(entries);
      own.set(candidate, Object.values(known).every((value) => value === null) ? undefined : verdict(known));
    }
    found.set(name, own);
  }
  return found;
}

function all(type: DataType, valid: (text: string) => string): Check {
  return {
    facts: (text) => ({ all: `bool_and(${valid(text)})` }),
    verdict: (facts) => (facts.all === true ? type : 'no'),
  };
}

/** Digits that are their double's shortest text for certain (15 of them at most), or nearly so. */
const SHORT_INTEGER = '-?[1-9][0-9]{0,14}|0';
const PLAIN_FRACTION = '-?(0[.]0{0,3}[1-9]([0-9]*[1-9])?|[1-9][0-9]{0,14}[.][0-9]*[1-9])';
/** Every text that a double is written as in JavaScript has this shape. */
const DOUBLE_SHAPE = '-?(0|[1-9][0-9]*)([.][0-9]*[1-9])?(e[+-][0-9]+)?';
const NO = 0;
const UNSURE = 1;
const YES = 2;
const FIXED = '-?(0|[1-9][0-9]*)[.][0-9]+';

const CHECKS: { readonly [C in Candidate]: Check } = {
  boolean: all({ kind: 'boolean' }, (text) => `${text} IN ('true', 'false')`),
  int64: all({ kind: 'int64' }, (text) => textCastSql({ kind: 'int64' }, text)?.valid ?? 'false'),
  double: {
    // The engine and JavaScript write the same shortest digits, and within these bounds in the same form.
    facts: (text) => ({
      least:
        `min(CASE WHEN ${matches(text, SHORT_INTEGER)} THEN ${YES} ` +
        `WHEN ${matches(text, PLAIN_FRACTION)} THEN CASE WHEN TRY_CAST(${text} AS DOUBLE)::VARCHAR = ${text} THEN ${YES} ELSE ${NO} END ` +
        `WHEN ${text} <> '-0' AND ${matches(text, DOUBLE_SHAPE)} THEN ${UNSURE} ELSE ${NO} END)`,
    }),
    verdict: ({ least }) => (least === YES ? { kind: 'double' } : least === UNSURE ? 'unsure' : 'no'),
  },
  decimal: {
    facts: (text) => {
      const fraction = `length(${text}) - strpos(${text}, '.')`;
      const whole = `CASE WHEN starts_with(${text}, '0.') OR starts_with(${text}, '-0.') THEN 0 ELSE strpos(ltrim(${text}, '-'), '.') - 1 END`;
      return {
        all: `bool_and(${matches(text, FIXED)} AND NOT ${matches(text, '-[0.]*')})`,
        least: `min(${fraction})`,
        most: `max(${fraction})`,
        whole: `max(${whole})`,
      };
    },
    verdict: (facts) => {
      const scale = Number(facts.most);
      const precision = Number(facts.whole) + scale;
      return facts.all === true && facts.least === facts.most && precision <= 38
        ? { kind: 'decimal', precision, scale }
        : 'no';
    },
  },
  date: all({ kind: 'date' }, validDate),
  timestamp: {
    facts: (text) => {
      const valid = [false, true].map(
        (utc) => textCastSql({ kind: 'timestamp', unit: 'micros', utc }, text)?.valid ?? 'false',
      );
      return {
        all: `bool_and((${valid[0]} OR (${valid[1]} AND ends_with(${text}, 'Z'))) AND length(rtrim(${text}, 'Z')) <= 26)`,
        shortest: `min(${shape(text)})`,
        longest: `max(${shape(text)})`,
        utc: `bool_and(ends_with(${text}, 'Z'))`,
      };
    },
    verdict: (facts) =>
      facts.all === true && facts.shortest === facts.longest
        ? { kind: 'timestamp', unit: 'micros', utc: facts.utc === true }
        : 'no',
  },
};

/** Of a valid timestamp: its separator, its zone, and by its length the digits of its second. */
function shape(text: string): string {
  return `substr(${text}, 11, 1) || ends_with(${text}, 'Z')::VARCHAR || length(${text})::VARCHAR`;
}
