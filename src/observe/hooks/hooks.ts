import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { maskedJson, maskSecrets } from '../../core/secret.ts';
import { postJson, shownUrl } from '../http.ts';
import type { RunFacts } from '../outcome.ts';
import { runHookCommand } from './command.ts';
import { hookPayload, type RunEnd } from './payload.ts';

/** Who is told how a run ended. */
export interface Hooks {
  readonly onSuccess: HookTargets;
  readonly onFailure: HookTargets;
}

export interface HookTargets {
  readonly webhooks: readonly string[];
  readonly commands: readonly string[];
}

export interface HookContext {
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Tells all of them at once. Never throws: a hook that fails is a warning, and the run ended as it did. */
export async function fireHooks(
  hooks: Hooks,
  facts: RunFacts,
  end: RunEnd,
  { log, signal }: HookContext,
): Promise<void> {
  const isSuccess = end.exitCode === 0;
  const { webhooks, commands } = isSuccess ? hooks.onSuccess : hooks.onFailure;
  if (webhooks.length + commands.length === 0) return;
  const payload = hookPayload(facts, end);
  const body = maskedJson(payload);
  const env = hookEnvironment(facts, end);
  const told = async (what: string, work: () => Promise<string | undefined>): Promise<void> => {
    try {
      const printed = await work();
      log.debug(printed === undefined || printed === '' ? `told ${what}` : `told ${what}: ${printed}`);
    } catch (error) {
      log.warn(`${what} was not told how the run ended: ${maskSecrets(messageOf(error))}`);
    }
  };
  await Promise.all([
    ...webhooks.map((url) =>
      told(shownUrl(url), async () => {
        await postJson(url, body, { signal });
        return undefined;
      }),
    ),
    ...commands.map((command, n) =>
      told(`the ${isSuccess ? 'success' : 'failure'} command ${n + 1}`, () =>
        runHookCommand(command, body, env),
      ),
    ),
  ]);
}

/** For commands that do not read JSON. */
function hookEnvironment(facts: RunFacts, end: RunEnd): Readonly<Record<string, string>> {
  return {
    FOUNDRY_HOOK_RUN_ID: facts.runId,
    FOUNDRY_HOOK_STATUS: end.exitCode === 0 ? 'success' : 'failure',
    FOUNDRY_HOOK_EXIT_CODE: String(end.exitCode),
    FOUNDRY_HOOK_COMMAND: facts.command,
    FOUNDRY_HOOK_RUN_DATE: facts.runDate,
  };
}
