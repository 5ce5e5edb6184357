/** The last bytes of a stream, as many as fit: what was read once need not be asked for again. */
export interface Tail {
  add(chunk: Uint8Array): void;
  /** The bytes from `start` to before `end` of the whole stream; undefined where some of them are not kept. */
  slice(start: number, end: number): Uint8Array | undefined;
}

export function tailOf(bytes: number): Tail {
  const chunks: Uint8Array[] = [];
  let position = 0;
  let kept = 0;
  return {
    add(chunk) {
      chunks.push(chunk);
      position += chunk.length;
      kept += chunk.length;
      for (let first = chunks[0]; first !== undefined && kept - first.length >= bytes; first = chunks[0]) {
        chunks.shift();
        kept -= first.length;
      }
    },
    slice(start, end) {
      const from = position - kept;
      if (start < from || end > position) return undefined;
      return Buffer.concat(chunks).subarray(start - from, end - from);
    },
  };
}
