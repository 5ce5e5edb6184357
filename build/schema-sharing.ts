type Json = { readonly [key: string]: unknown };

/** Less is better read where it stands. */
const MIN_CHARS = 1000;

/** A JSON Schema in which parts that stand several times stand once, under `definitions`, and are referred to. */
export function sharedSchema(root: Json): Json {
  const times = new Map<string, number>();
  const count = (schema: Json): Json => {
    const text = JSON.stringify(schema);
    const before = times.get(text) ?? 0;
    times.set(text, before + 1);
    // What lies within a part that was counted already is shared with it.
    if (before === 0) mapParts(schema, (part) => count(part));
    return schema;
  };
  count(root);

  const definitions = new Map<string, Json>();
  const names = new Map<string, string>();
  const share = (schema: Json, name: string): Json => {
    const text = JSON.stringify(schema);
    if (text.length < MIN_CHARS || (times.get(text) ?? 0) < 2) return mapParts(schema, share);
    const known = names.get(text);
    if (known !== undefined) return { $ref: `#/definitions/${known}` };
    const free = [name, ...Array.from({ length: 99 }, (_, index) => `${name}_${index + 2}`)].find(
      (candidate) => !definitions.has(candidate),
    );
    if (free === undefined) throw new Error(`too many parts of the schema are called ${name}`);
    names.set(text, free);
    definitions.set(free, {});
    definitions.set(free, mapParts(schema, share));
    return { $ref: `#/definitions/${free}` };
  };
  const shared = mapParts(root, share);
  return { ...shared, definitions: Object.fromEntries(definitions) };
}

/** The schema with each schema right below it replaced. */
function mapParts(schema: Json, replace: (part: Json, name: string) => Json): Json {
  const mapped = Object.entries(schema).map(([key, value]): [string, unknown] => {
    if (key === 'properties') {
      const entries = Object.entries(value as Json).map(([name, part]) => [
        name,
        replace(part as Json, name),
      ]);
      return [key, Object.fromEntries(entries)];
    }
    if (key === 'anyOf') return [key, (value as Json[]).map((part) => replace(part, 'choice'))];
    const isSchema = key === 'items' || key === 'additionalProperties';
    if (isSchema && typeof value === 'object' && value !== null) return [key, replace(value as Json, key)];
    return [key, value];
  });
  return Object.fromEntries(mapped);
}
