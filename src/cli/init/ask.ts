import { createInterface } from 'node:readline';
import { FoundryError } from '../../core/errors.ts';

/** Questions to a person; answers that do not fit are asked for again. */
export interface Asker {
  /** @param fallback taken where the answer is empty; without one, an answer is needed. */
  text(question: string, fallback?: string): Promise<string>;
  choice<const T extends string>(question: string, choices: readonly T[], fallback: T): Promise<T>;
  yes(question: string, fallback: boolean): Promise<boolean>;
  say(line: string): void;
  close(): void;
}

/** Only where there is somebody to ask; prompts go to stderr, since stdout is the report's. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** @throws INT001 out of a question when the input ends, or on Ctrl-C. */
export function openAsker(): Asker {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  // Lines may come before their question (pasted, or typed ahead): none is lost.
  const typed: string[] = [];
  let isOpen = true;
  let wake: () => void = () => undefined;
  lines.on('line', (line) => {
    typed.push(line);
    wake();
  });
  lines.on('SIGINT', () => lines.close());
  lines.once('close', () => {
    isOpen = false;
    wake();
  });
  const read = async (prompt: string): Promise<string> => {
    // The input may have ended while what was typed before is still to be read.
    if (isOpen) {
      lines.setPrompt(prompt);
      lines.prompt();
    } else process.stderr.write(prompt);
    while (typed.length === 0 && isOpen) await new Promise<void>((resolve) => (wake = resolve));
    const line = typed.shift();
    if (line !== undefined) return line.trim();
    say('');
    throw new FoundryError('INT001', 'stopped before the last question; nothing is written');
  };

  return {
    say,
    close: () => lines.close(),
    async text(question, fallback) {
      for (;;) {
        const answer = await read(`${question}${fallback === undefined ? '' : ` [${fallback}]`}: `);
        if (answer !== '') return answer;
        if (fallback !== undefined) return fallback;
        say('  an answer is needed');
      }
    },
    async choice(question, choices, fallback) {
      for (;;) {
        const answer = (await read(`${question} (${choices.join(', ')}) [${fallback}]: `)).toLowerCase();
        if (answer === '') return fallback;
        const found = choices.filter((choice) => choice.startsWith(answer));
        const exact =
          choices.find((choice) => choice === answer) ?? (found.length === 1 ? found[0] : undefined);
        if (exact !== undefined) return exact;
        say(`  one of ${choices.join(', ')}`);
      }
    },
    async yes(question, fallback) {
      for (;;) {
        const answer = (await read(`${question} [${fallback ? 'Y/n' : 'y/N'}]: `)).toLowerCase();
        if (answer === '') return fallback;
        if (answer === 'y' || answer === 'yes') return true;
        if (answer === 'n' || answer === 'no') return false;
        say('  y or n');
      }
    },
  };
}
