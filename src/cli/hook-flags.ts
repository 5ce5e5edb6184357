import type { Hooks } from '../observe/hooks/hooks.ts';
import { VALUE_SEPARATOR } from './args.ts';

/** Variables that name where lineage, traces and metrics go. */
const TELEMETRY = [
  'OPENLINEAGE_URL',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
] as const;

export interface HookArgs {
  readonly 'on-success-webhook'?: string | undefined;
  readonly 'on-failure-webhook'?: string | undefined;
  readonly 'on-success-command'?: string | undefined;
  readonly 'on-failure-command'?: string | undefined;
}

/** The hooks of the flags, and of the variables that keep an address out of the list of processes. */
export function hooksOf(args: HookArgs, env: Environment): Hooks {
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

type Environment = Readonly<Record<string, string | undefined>>;

/** Every address that a run may send to, lineage and telemetry included, for policies on where data may go. */
export function webhookUrls(
  { onSuccess, onFailure }: Hooks,
  env: Environment = process.env,
): readonly string[] {
  const telemetry = TELEMETRY.flatMap((name) => words(env[name]));
  return [...new Set([...onSuccess.webhooks, ...onFailure.webhooks, ...telemetry])];
}

function given(value: string | undefined): string[] {
  return value === undefined ? [] : [...new Set(value.split(VALUE_SEPARATOR))];
}

function words(value: string | undefined): string[] {
  return (value ?? '').split(/\s+/).filter((word) => word !== '');
}
