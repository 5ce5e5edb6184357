#!/usr/bin/env bun
import { runCli } from './cli/cli.ts';

/** A second signal leaves at once; the first lets the step that is under way stop and clean up. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
  for (const [name, code] of Object.entries(exitCodes)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(code);
      controller.abort(name);
    });
  }
  return controller.signal;
}

/**
 * A reader that stops early (`foundry … | head`) ends the output, not the run. A report that cannot be written is
 * a failure: whoever reads it, reads half of it.
 */
function guardOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.stderr.write(`[STG001] the report could not be written to stdout: ${error.message}\n`);
    process.exit(5);
  });
  // Where there is nobody to tell, the exit code tells.
  process.stderr.on('error', () => {});
}

/**
 * Code that shares the process, such as an extractor's, can end it or wait for what never comes. Then there is no report,
 * and no success either.
 */
function guardEnd(): () => void {
  const onExit = (code: number): void => {
    if (code !== 0) return;
    process.stderr.write(
      '[ERR000] the process ended before its command did; what was under way is not done\n',
    );
    process.exitCode = 1;
  };
  process.on('exit', onExit);
  return () => process.off('exit', onExit);
}

guardOutput();
const ended = guardEnd();
runCli(process.argv.slice(2), abortOnSignals()).then(
  (code) => {
    ended();
    process.exitCode = code;
  },
  (error: unknown) => {
    ended();
    process.stderr.write(`[ERR000] ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  },
);
