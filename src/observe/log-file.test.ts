import { expect, test } from 'bun:test';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../testing/binary.ts';
import { openLogFile } from './log-file.ts';

const lines = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');

function opened(path: string, maxBytes: number, keep: number) {
  const problems: string[] = [];
  const log = openLogFile(path, { maxBytes, keep, onFailure: (problem) => problems.push(problem) });
  return { log, problems };
}

test('a full file makes room for a new one, as many are kept as asked for, and the newest is the first', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'logs', 'foundry.log');
  const { log, problems } = opened(path, 30, 2);
  for (let n = 1; n <= 9; n += 1) log.write(`line number ${n}`);
  expect(problems).toEqual([]);
  expect(readdirSync(join(folder.path, 'logs')).sort()).toEqual([
    'foundry.log',
    'foundry.log.1',
    'foundry.log.2',
  ]);
  expect(lines(path)).toEqual(['line number 9']);
  expect(lines(`${path}.1`)).toEqual(['line number 7', 'line number 8']);
  expect(lines(`${path}.2`)).toEqual(['line number 5', 'line number 6']);
});

test('a process goes on in the new file when another has renamed the old one, and no line is lost', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'foundry.log');
  const [one, other] = [opened(path, 60, 99).log, opened(path, 60, 99).log];
  const wanted: string[] = [];
  for (let n = 0; n < 20; n += 1) {
    wanted.push(`line ${n} of one`, `line ${n} of other`);
    one.write(`line ${n} of one`);
    other.write(`line ${n} of other`);
  }
  const files = readdirSync(folder.path).map((name) => join(folder.path, name));
  const found = files.flatMap(lines);
  expect(found.sort()).toEqual(wanted.sort());
  expect(lines(path).at(-1)).toBe('line 19 of other');
  renameSync(path, join(folder.path, 'moved-by-logrotate'));
  one.write('after the move');
  expect(lines(path)).toEqual(['after the move']);
});

test('a file that cannot be written is told once and stops nothing', () => {
  using folder = temporaryFolder();
  const blocked = join(folder.path, 'file');
  openLogFile(blocked, { maxBytes: 100, keep: 1, onFailure: () => undefined }).write('a file, no folder');
  const { log, problems } = opened(join(blocked, 'foundry.log'), 100, 1);
  log.write('one');
  log.write('two');
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain('cannot be written');
});

test('what is told of a failure may be logged to the same file', () => {
  using folder = temporaryFolder();
  const told: string[] = [];
  const log = openLogFile(folder.path, {
    maxBytes: 100,
    keep: 1,
    onFailure: (problem) => {
      told.push(problem);
      log.write(problem);
    },
  });
  log.write('a folder is no file');
  expect(told).toHaveLength(1);
});
