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
