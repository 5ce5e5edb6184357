/** A nested type of the engine, taken apart; leaves are spelled as the engine spells them. */
export type NestedType =
  | { readonly kind: 'list'; readonly element: NestedType }
  | {
      readonly kind: 'struct';
      readonly fields: readonly { readonly name: string; readonly type: NestedType }[];
    }
  | { readonly kind: 'map'; readonly key: NestedType; readonly value: NestedType }
  | { readonly kind: 'leaf'; readonly engineType: string };

/** Reads `STRUCT(a INTEGER, "b c" MAP(VARCHAR, DOUBLE[]))[]`; undefined when it is spelled in another way. */
export function parseNestedType(text: string): NestedType | undefined {
  const reader = typeReader(text);
  const type = reader.type();
  return type !== undefined && reader.atEnd() ? type : undefined;
}

function typeReader(text: string) {
  let at = 0;
  const take = (token: string): boolean => {
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };

  const name = (): string | undefined => {
    const quoted = match(/"(?:[^"]|"")+"/y);
    return quoted === undefined ? match(/[^\s"(),]+/y) : quoted.slice(1, -1).replaceAll('""', '"');
  };

  const struct = (): NestedType | undefined => {
    const fields: { name: string; type: NestedType }[] = [];
    do {
      const field = name();
      if (field === undefined || !take(' ')) return undefined;
      const found = type();
      if (found === undefined) return undefined;
      fields.push({ name: field, type: found });
    } while (take(', '));
    return take(')') ? { kind: 'struct', fields } : undefined;
  };

  const map = (): NestedType | undefined => {
    const key = type();
    if (key === undefined || !take(', ')) return undefined;
    const value = type();
    return value === undefined || !take(')') ? undefined : { kind: 'map', key, value };
  };

  const leaf = (): NestedType | undefined => {
    const engineType = match(/"NULL"|DECIMAL\(\d+,\d+\)|[A-Z_0-9]+(?: [A-Z_0-9]+)*/y);
    return engineType === undefined ? undefined : { kind: 'leaf', engineType };
  };

  const type = (): NestedType | undefined => {
    let found = take('STRUCT(') ? struct() : take('MAP(') ? map() : leaf();
    while (found !== undefined && match(/\[\d*\]/y) !== undefined) found = { kind: 'list', element: found };
    return found;
  };

  return { type, atEnd: () => at === text.length };
}
