import type { SourceSpec } from '../config/spec.ts';
import type { Source, SourceContext } from './source.ts';

/** The compiler asks for the driver of every source type that the config language knows. */
export async function openSource(spec: SourceSpec, context: SourceContext): Promise<Source> {
  switch (spec.type) {
    case 'file':
      return (await import('./file/file-source.ts')).openFileSource(spec, context);
    case 'api':
      return (await import('./api/api-source.ts')).openApiSource(spec, context);
    case 'db':
      return (await import('./database/database-source.ts')).openDatabaseSource(spec, context);
    case 'custom':
      return (await import('./custom/custom-source.ts')).openCustomSource(spec, context);
    case 'command':
      return (await import('./command/command-source.ts')).openCommandSource(spec, context);
  }
}
