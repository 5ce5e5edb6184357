import { readFileSync } from 'node:fs';

/**
 * The high-water mark that Linux keeps for a running program itself; undefined when it has ended, and elsewhere. The
 * usage that a parent gets on exit will not do: it begins with the parent's own memory, from which the child was forked.
 */
export function peakBytesOf(pid: number): number | undefined {
  try {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
