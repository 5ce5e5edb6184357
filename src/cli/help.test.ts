import { expect, test } from 'bun:test';
import { COMMANDS } from './commands.ts';
import { definitionsOf } from './definitions.ts';
import { usageText } from './help.ts';

const PAGES = await Promise.all(
  Object.entries(COMMANDS).map(async ([name, load]) => {
    const command = await load();
    const definitions = await definitionsOf(command);
    return { name, definitions, lines: usageText(name, command, definitions).split('\n') };
  }),
);

test('the help of every command fits a terminal of 100 columns, with nothing at the ends of its lines', () => {
  for (const { name, lines } of PAGES) {
    for (const line of lines) {
      expect({ name, line, length: Math.min(line.length, 100) }).toEqual({ name, line, length: line.length });
      expect(line).toBe(line.trimEnd());
    }
  }
});

test('the help of every command shows each flag, its choices, and at least one example', () => {
  for (const { name, definitions, lines } of PAGES) {
    const text = lines.join(' ');
    for (const [flag, definition] of Object.entries(definitions)) {
      if (definition.type !== 'positional') expect(text).toContain(` --${flag}`);
      for (const choice of definition.type === 'enum' ? (definition.options ?? []) : []) {
        expect(text).toContain(choice);
      }
    }
    expect(lines[lines.indexOf('EXAMPLES') + 1]).toStartWith(`  `);
    expect(text).toContain(`foundry ${name}`);
  }
});
