import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';

/** Reports a text that is no URL of a web server, or that holds a password. */
export function checkUrl(value: string | undefined, at: ConfigPath, report: Report): void {
  if (value === undefined) return;
  const problem = urlProblem(value);
  if (problem !== undefined) report.invalid(at, `${at.at(-1)} ${problem}, got ${report.show(at, value)}`);
}

/** What keeps a text from being the base URL of an API; the text itself is not in it. */
export function urlProblem(value: string): string | undefined {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol))
    return 'must be a URL that begins with http:// or https://';
  if (url.username !== '' || url.password !== '') {
    return 'must not hold a user or password; set auth: {type: basic, …}';
  }
  return undefined;
}
