import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { maskedJson, maskSecrets } from '../../core/secret.ts';
import { postJson, shownUrl } from '../http.ts';
import type { RunFacts, Step } from '../outcome.ts';
import type { CommittedStep } from '../runs/record.ts';
import { endEvent, type LineageContext, startEvent } from './event.ts';

export interface LineageSettings {
  /** Where events are posted; absent: nowhere. */
  readonly url?: string;
  readonly apiKey?: string;
  /** Where events are appended, one a line. */
  readonly file?: string;
  readonly namespace: string;
  readonly parent?: LineageContext['parent'];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** By OpenLineage's own variables, and FOUNDRY_LINEAGE_FILE; undefined where no events are wanted. */
export function lineageSettings(env: Environment): LineageSettings | undefined {
  const { OPENLINEAGE_URL: base, OPENLINEAGE_API_KEY: apiKey, FOUNDRY_LINEAGE_FILE: file } = env;
  if (/^true$/i.test(env.OPENLINEAGE_DISABLED ?? '') || (!base && !file)) return undefined;
  const endpoint = env.OPENLINEAGE_ENDPOINT || 'api/v1/lineage';
  const parent = parentOf(env.OPENLINEAGE_PARENT_ID);
  return {
    ...(base && { url: `${base.replace(/\/+$/, '')}/${endpoint.replace(/^\/+/, '')}` }),
    ...(apiKey && { apiKey }),
    ...(file && { file }),
    namespace: env.OPENLINEAGE_NAMESPACE || 'foundry',
    ...(parent !== undefined && { parent }),
  };
}

/** `namespace/job/run id`, as schedulers set it. */
function parentOf(text: string | undefined): LineageContext['parent'] {
  const [namespace, name, runId] = (text ?? '').split('/');
  return namespace && name && runId && /^[0-9a-f-]{36}$/i.test(runId)
    ? { namespace, name, runId }
    : undefined;
}

export interface LineageSink {
  started(step: Step): void;
  ended(step: CommittedStep): void;
  /** When every event was sent, or given up. */
  finish(): Promise<void>;
}

/** Sends events in their order, beside the run. What cannot be sent is one warning, and changes nothing. */
export function openLineage(
  settings: LineageSettings,
  facts: RunFacts,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): LineageSink {
  const context: LineageContext = { facts, namespace: settings.namespace, parent: settings.parent };
  const ids = new Map<string, string>();
  let sending: Promise<void> = Promise.resolve();
  const failed = new Set<string>();

  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    if (failed.has(what)) return;
    try {
      await work();
    } catch (error) {
      failed.add(what);
      log.warn(`lineage events cannot be sent to ${what}: ${maskSecrets(messageOf(error))}`);
    }
  };
  const send = (event: object): void => {
    const body = maskedJson(event);
    const { url, file, apiKey } = settings;
    sending = sending.then(async () => {
      if (file !== undefined) await attempt(file, () => append(file, body));
      if (url === undefined) return;
      const headers: Record<string, string> =
        apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
      await attempt(shownUrl(url), () => postJson(url, body, { headers, signal }));
    });
  };
  const idOf = ({ spec, layer }: Pick<Step, 'spec' | 'layer'>): string => {
    const key = `${layer}\0${spec.name}`;
    const id = ids.get(key) ?? Bun.randomUUIDv7();
    ids.set(key, id);
    return id;
  };
  return {
    started: (step) => send(startEvent(context, { stepId: idOf(step), step })),
    ended: ({ outcome, manifest }) => send(endEvent(context, idOf(outcome), outcome, manifest)),
    finish: () => sending,
  };
}

async function append(file: string, body: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, `${body}\n`);
}
