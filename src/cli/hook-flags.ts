import type { Hooks } from '../observe/hooks/hooks.ts';
import { VALUE_SEPARATOR } from './args.ts';

export interface HookArgs {
  readonly 'on-success-webhook'?: string | undefined;
  readonly 'on-failure-webhook'?: string | undefined;
  readonly 'on-success-command'?: string | undefined;
  readonly 'on-failure-command'?: string | undefined;
}

/** The hooks of the flags, and of the variables that keep an address out of the list of processes. */
export function hooksOf(args: HookArgs, env: Readonly<Record<string, string | undefined>>): Hooks {
  return {
    onSuccess: {
      webhooks: [...given(args['on-success-webhook']), ...words(env.FOUNDRY_ON_SUCCESS_WEBHOOK)],
      commands: given(args['on-success-command']),
    },
    onFailure: {
      webhooks: [...given(args['on-failure-webhook']), ...words(env.FOUNDRY_ON_FAILURE_WEBHOOK)],
      commands: given(args['on-failure-command']),
    },
  };
}

/** Every address that a run may send to, for policies on where data may go. */
export function webhookUrls({ onSuccess, onFailure }: Hooks): readonly string[] {
  return [...new Set([...onSuccess.webhooks, ...onFailure.webhooks])];
}

function given(value: string | undefined): string[] {
  return value === undefined ? [] : [...new Set(value.split(VALUE_SEPARATOR))];
}

function words(value: string | undefined): string[] {
  return (value ?? '').split(/\s+/).filter((word) => word !== '');
}
