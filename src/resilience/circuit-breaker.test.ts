import { afterEach, describe, expect, setSystemTime, test } from 'bun:test';
import { FoundryError } from '../core/errors.ts';
import { circuitBreaker } from './circuit-breaker.ts';

const START = new Date('2025-01-05T00:00:00Z');
const at = (seconds: number) => setSystemTime(new Date(START.getTime() + seconds * 1000));
const down = async (): Promise<never> => {
  throw new FoundryError('RETRY001', 'down');
};

async function outcome(host: string, operation: () => Promise<unknown>): Promise<string> {
  try {
    return String(await circuitBreaker(host).run(operation));
  } catch (error) {
    return error instanceof FoundryError ? `${error.code} ${error.message}` : String(error);
  }
}

describe('circuitBreaker', () => {
  afterEach(() => {
    setSystemTime();
  });

  test('scenario 83: five failures, refused within 30 s, one trial after 30 s', async () => {
    at(0);
    let asked = 0;
    const count = async (): Promise<never> => {
      asked += 1;
      return down();
    };
    for (let i = 0; i < 5; i += 1) expect(await outcome('a.example', count)).toBe('RETRY001 down');
    at(29);
    expect(await outcome('a.example', count)).toBe(
      'RETRY001 a.example failed 5 times in a row and is left alone for 30 s',
    );
    expect(asked).toBe(5);
    at(31);
    expect(await outcome('a.example', count)).toBe('RETRY001 down');
    expect(asked).toBe(6);
    expect(await outcome('a.example', count)).toStartWith('RETRY001 a.example failed');
    at(62);
    expect(await outcome('a.example', async () => 'well')).toBe('well');
    expect(await outcome('a.example', async () => 'well')).toBe('well');
  });

  test('admits one trial only: others wait for how it ends', async () => {
    at(0);
    for (let i = 0; i < 5; i += 1) await outcome('b.example', down);
    at(31);
    let asked = 0;
    let fail: (() => void) | undefined;
    const trial = outcome('b.example', async () => {
      asked += 1;
      await new Promise<void>((resolve) => {
        fail = resolve;
      });
      return down();
    });
    const second = outcome('b.example', async () => {
      asked += 1;
    });
    await Promise.resolve();
    fail?.();
    expect(await trial).toBe('RETRY001 down');
    expect(await second).toStartWith('RETRY001 b.example failed');
    expect(asked).toBe(1);
  });

  test('one host’s failures are nothing to another, and a refusal of the host is an answer', async () => {
    for (let i = 0; i < 5; i += 1) await outcome('c.example', down);
    expect(await outcome('d.example', async () => 'well')).toBe('well');
    const gone = async (): Promise<never> => {
      throw new FoundryError('EXT001', '404');
    };
    for (let i = 0; i < 9; i += 1) expect(await outcome('e.example', gone)).toBe('EXT001 404');
  });

  test('a success in between starts the count again', async () => {
    for (let i = 0; i < 4; i += 1) await outcome('f.example', down);
    await outcome('f.example', async () => 'well');
    for (let i = 0; i < 4; i += 1) expect(await outcome('f.example', down)).toBe('RETRY001 down');
    expect(await outcome('f.example', async () => 'well')).toBe('well');
  });
});
