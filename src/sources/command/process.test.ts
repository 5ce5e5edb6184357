import { describe, expect, test } from 'bun:test';
import { type ProgramOptions, programOutput } from './process.ts';

const options = (run: ProgramOptions['run'], more: Partial<ProgramOptions> = {}): ProgramOptions => ({
  run,
  name: 'it',
  env: {},
  signal: new AbortController().signal,
  onErrorLine() {},
  ...more,
});

async function text(all: ProgramOptions): Promise<string> {
  return Buffer.concat(await Array.fromAsync(programOutput(all))).toString();
}

/** Whether any process with this text in its command line is there. */
async function isRunning(mark: string): Promise<boolean> {
  return (await Bun.$`pgrep -f ${mark}`.nothrow().quiet()).exitCode === 0;
}

describe('a program', () => {
  test('is given its arguments as they are, a text to the shell, and the variables', async () => {
    expect(await text(options(['printf', '%s|', 'a b', '$X']))).toBe('a b|$X|');
    expect(await text(options('printf "%s" "$X"; exit 0', { env: { X: '1 2' } }))).toBe('1 2');
    expect(await text(options(['pwd'], { folder: '/' }))).toBe('/\n');
  });

  test('that ends badly is a failure with the end of what it said', async () => {
    const lines: string[] = [];
    const failing = options('seq 1 9 >&2; echo half; exit 3', {
      onErrorLine: (line) => void lines.push(line),
    });
    await expect(text(failing)).rejects.toMatchObject({
      code: 'EXT001',
      message: 'it ended with exit code 3\n  5\n  6\n  7\n  8\n  9',
    });
    expect(lines).toHaveLength(9);
    await expect(text(options('kill -9 $$'))).rejects.toThrow('it was ended by SIGKILL');
    await expect(text(options(['no-such-program']))).rejects.toThrow('it cannot be started');
  });

  test('that takes too long is ended', async () => {
    await expect(text(options(['sleep', '60'], { timeoutSeconds: 0.1 }))).rejects.toThrow(
      'took longer than 0.1 s',
    );
  });

  test('that leaves something behind is not waited for longer than it may take', async () => {
    const began = performance.now();
    const daemon = 'setsid sh -c \'trap "" TERM; sleep 30\' >/dev/null & echo one; echo two >&2; sleep 0.2';
    const lines: string[] = [];
    expect(await text(options(daemon, { onErrorLine: (line) => void lines.push(line) }))).toBe('one\n');
    expect(lines).toEqual(['two']);
    expect(performance.now() - began).toBeLessThan(4000);
    const holding = 'setsid sleep 30 & echo one; sleep 0.2';
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const ends = await Promise.allSettled([
      text(options(holding, { timeoutSeconds: 0.5 })),
      text(options(holding, { signal: stop.signal })),
    ]);
    expect(ends).toMatchObject([
      { reason: { code: 'EXT001', message: expect.stringContaining('took longer than 0.5 s') } },
      { reason: { code: 'INT001' } },
    ]);
    expect(performance.now() - began).toBeLessThan(15_000);
  }, 30_000);

  test('that nobody reads on is ended at once, however much it has to say', async () => {
    const began = performance.now();
    for await (const chunk of programOutput(options(['yes']))) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test('is ended with all that it started when the run is stopped, or nobody reads on', async () => {
    const stop = new AbortController();
    const mark = `foundry-test-${process.pid}`;
    const run = `sh -c 'echo one; exec -a ${mark} sleep 60' & wait # ${mark}`;
    const bash = ['bash', '-c', run.replace("sh -c '", "bash -c '")];
    const stopped = text(options(bash, { signal: stop.signal }));
    setTimeout(() => stop.abort(), 200);
    await expect(stopped).rejects.toMatchObject({ code: 'INT001' });
    for await (const chunk of programOutput(options(bash))) {
      expect(chunk.toString()).toBe('one\n');
      break;
    }
    await Bun.sleep(100);
    expect(await isRunning(mark)).toBe(false);
  });
});
