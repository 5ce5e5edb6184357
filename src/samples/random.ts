/**
 * Random numbers by place instead of by turn: the n-th draw of a row is a hash of (seed, row, n), so that any row of
 * any day can be made again alone. The hash is SplitMix's scheme (Steele, Lea, Flood: "Fast Splittable Pseudorandom
 * Number Generators", 2014) in 32 bits: an odd multiple of the index, mixed by the finaliser of MurmurHash3 (Appleby).
 */
export interface Random {
  /** A number in [0, 1). */
  unit(row: number, draw: number): number;
  /** A whole number from `from` to `to`, both included. */
  between(row: number, draw: number, from: number, to: number): number;
  pick<T>(row: number, draw: number, values: readonly [T, ...T[]]): T;
}

/** @param seed a whole number; equal seeds give equal numbers, on every machine. */
export function randomOf(seed: number): Random {
  const high = mix(Math.floor(seed / 2 ** 32) >>> 0);
  const start = mix((seed ^ high) >>> 0);
  const unit = (row: number, draw: number): number => {
    const place = mix((start + Math.imul(row, 0x9e3779b1)) >>> 0);
    return mix((place + Math.imul(draw + 1, 0x85ebca77)) >>> 0) / 2 ** 32;
  };
  const below = (row: number, draw: number, count: number): number => Math.floor(unit(row, draw) * count);
  return {
    unit,
    between: (row, draw, from, to) => from + below(row, draw, to - from + 1),
    pick: (row, draw, values) => values[below(row, draw, values.length)] ?? values[0],
  };
}

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
