import type { CommandSourceSpec } from '../../config/command/spec.ts';
import type { Batches } from '../../core/batch.ts';
import { jsonLines } from '../../formats/json/jsonl-reader.ts';
import type { JsonText } from '../../formats/json/record.ts';
import { trackCursor } from '../cursor-filter.ts';
import type { RecordBlock } from '../json-rows.ts';
import { openRecords, type Records } from '../records.ts';
import type { OpenSource, ReadRequest, Source, SourceContext } from '../source.ts';
import { readDelimitedOutput } from './delimited-output.ts';
import { factsOf, fillIn } from './placeholders.ts';
import { programOutput } from './process.ts';
import { singerReader } from './singer.ts';
import { stateFile } from './state-file.ts';

/** Records that a program writes to its standard output: JSON lines, CSV, or the messages of a Singer tap. */
export const openCommandSource: OpenSource<'command'> = (spec, context): Source => {
  const name = commandName(spec);
  let records: Records | undefined;
  return {
    async plan() {
      return { description: `${spec.format} from the command ${name}`, inputs: [] };
    },
    read(request) {
      const { cursor, onCursor } = request;
      const batches = rows(request);
      return cursor === undefined || onCursor === undefined
        ? batches
        : trackCursor(batches, cursor, onCursor);
    },
  };

  function rows(request: ReadRequest): Batches {
    const { types, columns } = spec.reading;
    if (spec.format === 'csv' || spec.format === 'tsv') {
      return readDelimitedOutput(spec, name, output(spec, name, context, request), request, context.warn);
    }
    records ??= openRecords(recordBlocks(spec, name, context, request), {
      name,
      place: (origin, line) => `${origin}: line ${line}`,
      ...(typeof types === 'object' && { types }),
      ...(columns !== undefined && { columns }),
      warn: context.warn,
    });
    return records.batches(request);
  }
};

/** The program and its arguments as they are in the config: what comes from elsewhere may be secret. */
function commandName({ run }: CommandSourceSpec): string {
  return typeof run === 'string' ? run : run.join(' ');
}

async function* output(
  spec: CommandSourceSpec,
  name: string,
  { runDate, log, warn }: SourceContext,
  request: ReadRequest,
): AsyncGenerator<Buffer> {
  const state = await stateFile(request);
  try {
    const facts = factsOf(runDate, request.cursor, state?.path);
    const chunks = programOutput({
      run: fillIn(spec.run, facts),
      name,
      env: { ...facts.variables, ...spec.env },
      ...(spec.folder !== undefined && { folder: spec.folder }),
      ...(spec.timeoutSeconds !== undefined && { timeoutSeconds: spec.timeoutSeconds }),
      signal: request.signal,
      onErrorLine: (line) => (log?.info ?? warn)(`${name}: ${line}`),
    });
    for await (const chunk of chunks) {
      request.onBytes?.(chunk.length);
      yield chunk;
    }
  } finally {
    await state?.remove();
  }
}

async function* recordBlocks(
  spec: CommandSourceSpec,
  name: string,
  context: SourceContext,
  request: ReadRequest,
): AsyncGenerator<RecordBlock> {
  const read = spec.format === 'singer' ? singerReader(name, spec.stream) : undefined;
  for await (const lines of jsonLines(output(spec, name, context, request), name)) {
    if (read === undefined) {
      if (lines.length > 0) yield { origin: name, texts: lines };
      continue;
    }
    const texts: JsonText[] = [];
    for (const line of lines) {
      const message = read(line);
      if (message.type === 'record') texts.push(message.record);
      else if (message.type === 'state') request.onState?.(message.state);
    }
    if (texts.length > 0) yield { origin: name, texts };
  }
}
