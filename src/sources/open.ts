import type { SourceSpec } from '../config/spec.ts';
import type { OpenSource, Source, SourceContext } from './source.ts';

/** The compiler asks for the driver of every source type that the config language knows. */
const SOURCES: { readonly [K in SourceSpec['type']]: () => Promise<OpenSource<K>> } = {
  file: async () => (await import('./file/file-source.ts')).openFileSource,
};

export async function openSource(spec: SourceSpec, context: SourceContext): Promise<Source> {
  const open = await SOURCES[spec.type]();
  return open(spec, context);
}
