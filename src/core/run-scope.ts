import { AsyncLocalStorage } from 'node:async_hooks';
import type { Span } from './span.ts';

/** What the running code works for. It follows every `await`, so that no function hands it on. */
export interface RunScope {
  readonly dataset?: string;
  readonly span?: Span;
}

const scopes = new AsyncLocalStorage<RunScope>();
const OUTSIDE: RunScope = {};

export function currentScope(): RunScope {
  return scopes.getStore() ?? OUTSIDE;
}

/** Runs `work`, and all that it starts, in the present scope with these facts added. */
export function withinScope<T>(facts: RunScope, work: () => T): T {
  return scopes.run({ ...currentScope(), ...facts }, work);
}
