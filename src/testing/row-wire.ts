import { startTcpProxy } from './tcp-proxy.ts';

/** A wire on which each row is seen that the server sends: rows that hold their number in a text, as `markedRow` has it. */
export interface RowWire {
  /** The connection string by which the wire is used; without TLS, so that rows are seen. */
  readonly url: string;
  /**
   * Asked for each piece of rows until it says so once: which connections are cut then. `wait` holds the piece back, and
   * asks again.
   * @param sent by connection, the numbers of all rows that were sent, the piece's included
   */
  cutWhen:
    | ((sent: readonly (readonly number[])[], connection: number) => 'this' | 'all' | 'wait' | undefined)
    | undefined;
  /** Called when connections have been cut. */
  onCut: (() => void) | undefined;
  /** The numbers of rows that the server has sent more than once, in order. */
  sentTwice(): readonly number[];
  stop(): Promise<void>;
}

const MARK = /<(\d+)>/g;

/** At most 90 characters. */
export function markedRow(n: number): string {
  return `<${n}>${'x'.repeat(80)}`;
}

export async function startRowWire(target: string): Promise<RowWire> {
  const server = new URL(target);
  const proxy = await startTcpProxy(server.hostname, Number(server.port));
  const through = new URL(target);
  through.port = String(proxy.port);
  through.search = '?sslmode=disable';
  const texts: string[] = [];
  const numbers = () => texts.map((text) => [...text.matchAll(MARK)].map(([, n]) => Number(n)));
  const wire = {
    url: through.href,
    cutWhen: undefined as RowWire['cutWhen'],
    onCut: undefined as RowWire['onCut'],
  };
  const isCut = async (connection: number): Promise<boolean> => {
    let decided = wire.cutWhen?.(numbers(), connection);
    while (decided === 'wait') {
      await Bun.sleep(5);
      decided = wire.cutWhen?.(numbers(), connection);
    }
    if (decided === undefined) return false;
    wire.cutWhen = undefined;
    if (decided === 'all') proxy.cut();
    wire.onCut?.();
    return true;
  };
  proxy.watch = (bytes, connection) => {
    while (texts.length <= connection) texts.push('');
    const before = numbers()[connection]?.length;
    texts[connection] += Buffer.from(bytes).toString('latin1');
    return numbers()[connection]?.length !== before && isCut(connection);
  };
  return Object.assign(wire, {
    sentTwice: () => {
      const counts = new Map<number, number>();
      for (const n of numbers().flat()) counts.set(n, (counts.get(n) ?? 0) + 1);
      return [...counts].flatMap(([n, count]) => (count > 1 ? [n] : [])).sort((a, b) => a - b);
    },
    stop: proxy.stop,
  });
}
