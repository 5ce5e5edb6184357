import { createInterface } from 'node:readline';
import { openTdsDatabase } from './database.ts';
import { startTdsServer } from './server.ts';

/** A request of `lab.ts`, a line of JSON; it is answered by a line of JSON with the same number. */
export type LabRequest = { readonly n: number } & (
  | { readonly create: string; readonly columns: Readonly<Record<string, string>> }
  | { readonly run: string }
);

const database = await openTdsDatabase();
const server = await startTdsServer({ handler: database.handler, onSessionEnd: database.endSession });
say({ url: server.url });

function say(answer: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as LabRequest;
  try {
    if ('create' in request) await database.create(request.create, request.columns);
    else await database.run(request.run);
    say({ n: request.n });
  } catch (error) {
    say({ n: request.n, error: error instanceof Error ? error.message : String(error) });
  }
}
process.exit(0);
