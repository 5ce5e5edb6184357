import { describe, expect, test } from 'bun:test';
import { createProgressLine } from './progress.ts';

function terminal(isTTY: boolean): { readonly stream: NodeJS.WriteStream; readonly written: string[] } {
  const written: string[] = [];
  const stream = { isTTY, columns: 80, write: (text: string) => written.push(text) };
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

describe('the progress line', () => {
  test('tells the share of a step, which never goes back, and forgets it with the next step', async () => {
    const { stream, written } = terminal(true);
    const line = createProgressLine('shop.orders', stream);
    line.rows(20_000);
    line.step('deciding');
    await Bun.sleep(110);
    line.share(0.431);
    expect(written.at(-1)).toContain('shop.orders · deciding · 43% · 20,000 rows · 0 s');
    await Bun.sleep(110);
    line.share(0.2);
    expect(written.at(-1)).toContain('43%');
    line.step('writing');
    expect(written.at(-1)).not.toContain('%');
    await Bun.sleep(110);
    line.share(0.5, 'file 3 of 6');
    expect(written.at(-1)).toContain('writing · 50% · file 3 of 6');
  });

  test('is nothing at all where stderr is no terminal', async () => {
    const { stream, written } = terminal(false);
    const line = createProgressLine('shop.orders', stream);
    line.step('deciding');
    line.share(0.5);
    line.clear();
    expect(written).toEqual([]);
  });
});
