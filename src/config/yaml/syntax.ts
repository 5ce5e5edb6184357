import { type Document, isScalar, visit, type YAMLError } from 'yaml';

/** A syntax error in the words of somebody who writes configs, at the place to look at. */
export interface SyntaxProblem {
  readonly offset: number;
  readonly message: string;
}

/** Characters that look like spaces and are none: pasted from a web page or a document. */
const ODD_INDENT = /^[ \t]*[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff]/;

/** A comment, or nothing. */
const IDLE = /^\s*(#|$)/;

const ALIGNED = 'the keys of one section begin in the same column';

/**
 * What the parser found wrong, told once each: one slip at the beginning of a line makes the parser stumble over the
 * lines below it as well, and those errors say nothing of their own.
 *
 * @returns in the order of the file; empty when the parser found nothing.
 */
export function syntaxProblems(text: string, yaml: Document): SyntaxProblem[] {
  const errors = [...yaml.errors, ...yaml.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (errors.length === 0) return [];
  const odd = oddIndent(text);
  if (odd !== undefined) return [odd];
  const isFollowUp = followUps(errors);
  return errors.filter((error) => !isFollowUp(error)).map((error) => explain(error, text, yaml));
}

/** Errors of structure after another error: of the lines that the first one put in the wrong place. */
function followUps(errors: readonly YAMLError[]): (error: YAMLError) => boolean {
  const first = errors[0];
  const nested = errors.filter(({ code }) => code === 'BLOCK_AS_IMPLICIT_KEY').map(({ pos }) => pos[0]);
  return (error) => {
    if (error === first) return false;
    if (error.code === 'BLOCK_AS_IMPLICIT_KEY') return true;
    return error.code === 'MULTILINE_IMPLICIT_KEY' && nested.includes(error.pos[0]);
  };
}

function explain(error: YAMLError, text: string, yaml: Document): SyntaxProblem {
  const offset = error.pos[0];
  const line = lineAt(text, offset);
  const shown = line.text.trim();
  const at = (message: string, place = offset): SyntaxProblem => ({ offset: place, message });
  switch (error.code) {
    case 'MULTIPLE_DOCS':
      return at('the file holds several documents (---); a config is one document');
    case 'TAB_AS_INDENT':
      return at('tabs are not allowed as indentation; use spaces');
    case 'BAD_SCALAR_START':
      return at(`a value cannot begin with ${text.charAt(offset)}; put it in quotes`);
    case 'BAD_DQ_ESCAPE':
      return at(
        `${error.message.replace('Invalid', 'invalid')}: between "double quotes" a backslash is special; use 'single quotes'`,
      );
    case 'MULTILINE_IMPLICIT_KEY':
      return at(keyless(shown));
    case 'BLOCK_AS_IMPLICIT_KEY':
      return nestedInValue(text, offset);
    case 'BAD_INDENT':
    case 'MISSING_CHAR':
      return /^Implicit map keys/.test(error.message) ? at(keyless(shown)) : misplaced(error, text, yaml);
    default:
      return at(lowerFirst(error.message));
  }
}

/** A line that should be `key: value` and is not. (Values are not shown: one could be a secret.) */
function keyless(line: string): string {
  if (/^-[^\s-]/.test(line)) return 'a space is missing after the dash of this list item';
  const unspaced = /^([\w-]+)\s*[:=]/.exec(line);
  if (unspaced === null) return 'this line is no `key: value`; is a colon missing?';
  return `this line is no \`key: value\`; write ${unspaced[1]}: with a space after it, then the value`;
}

/** A colon inside a value, or lines below a key that has its value already. */
function nestedInValue(text: string, offset: number): SyntaxProblem {
  const line = lineAt(text, offset);
  const value = text.slice(offset, line.end).trim();
  if (/:(\s|$)/.test(value)) {
    return { offset, message: 'a value that holds a colon and a space needs quotes around it' };
  }
  const below = nextLine(text, line.end);
  return {
    offset: below.start + below.text.search(/\S|$/),
    message: `this line stands deeper than the line before it, which has a value already; ${ALIGNED}`,
  };
}

function misplaced(error: YAMLError, text: string, yaml: Document): SyntaxProblem {
  const offset = error.pos[0];
  const closing =
    /end with an? (.)/.exec(error.message)?.[1] ?? /expected .* with (.)/i.exec(error.message)?.[1];
  if (closing === ']' || closing === '}') {
    return { offset, message: `a ${closing} is missing before this: something above is not closed` };
  }
  if (error.code === 'BAD_INDENT') {
    const line = lineAt(text, offset);
    const blamed = IDLE.test(line.text) ? nextLine(text, line.end).start : offset;
    return {
      offset: blamed,
      message: `this line begins in another column than the lines around it; ${ALIGNED}`,
    };
  }
  if (/^Missing closing .quote/.test(error.message)) {
    return { offset: openQuote(yaml, offset) ?? offset, message: 'the quote that begins here is not closed' };
  }
  return { offset, message: lowerFirst(error.message) };
}

/** Where the last quoted text before the end of the quote that is missing begins. */
function openQuote(yaml: Document, end: number): number | undefined {
  let start: number | undefined;
  visit(yaml, (_key, node) => {
    if (isScalar(node) && /^QUOTE_/.test(node.type ?? '') && node.range && node.range[0] <= end) {
      start = node.range[0];
    }
  });
  return start;
}

function oddIndent(text: string): SyntaxProblem | undefined {
  let offset = 0;
  for (const line of text.split('\n')) {
    // A byte order mark may begin a file.
    if (offset > 0 && ODD_INDENT.test(line)) {
      const message = 'this line is indented with something that looks like a space and is none; use spaces';
      return { offset, message };
    }
    offset += line.length + 1;
  }
  return undefined;
}

interface Line {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function lineAt(text: string, offset: number): Line {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const found = text.indexOf('\n', offset);
  const end = found === -1 ? text.length : found;
  return { start, end, text: text.slice(start, end) };
}

/** The next line that holds something. */
function nextLine(text: string, end: number): Line {
  let line = lineAt(text, Math.min(end + 1, text.length));
  while (line.end < text.length && IDLE.test(line.text)) line = lineAt(text, line.end + 1);
  return line;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
