import { currentScope, withinScope } from './run-scope.ts';
import type { Attributes, Span } from './span.ts';

/** Who wants to know; below the CLI nobody knows who that is. */
export interface Tracer {
  start(name: string, attributes: Attributes, parent: Span | undefined): Span;
}

let tracer: Tracer | undefined;

/** For the process; without a tracer each span costs one comparison. */
export function traceWith(chosen: Tracer | undefined): void {
  tracer = chosen;
}

/** Times `work` as a span of the work around it. It is given the span, to add what it finds out. */
export async function traced<T>(
  name: string,
  attributes: () => Attributes,
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  const span = startSpan(name, attributes);
  if (span === undefined) return work(undefined);
  try {
    const result = await withinScope({ span }, () => work(span));
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

/** A span that its starter ends; undefined where nobody wants to know. */
export function startSpan(name: string, attributes: () => Attributes): Span | undefined {
  return tracer?.start(name, attributes(), currentScope().span);
}
