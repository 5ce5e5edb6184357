import type { DatasetSpec } from '../config/spec.ts';
import { emitResults } from './emit.ts';
import { renderFacts } from './render.ts';
import type { Session } from './session.ts';

/** The report of `--validate-only`: what each valid dataset is, and nothing done. */
export function emitValidated(session: Session, datasets: readonly DatasetSpec[]): number {
  const results = datasets.map((spec) => ({
    dataset: spec.name,
    report: {
      dataset: spec.name,
      config: spec.configPath,
      status: 'valid',
      system: spec.bronze.system,
      table: spec.bronze.table,
      source_type: spec.bronze.source.type,
      load_pattern: spec.bronze.loadPattern,
      storage_backend: 'local',
      silver_model: spec.silver?.model ?? null,
    },
  }));
  return emitResults(session, results, (report) =>
    renderFacts(`${report.config}: ${report.dataset} is valid`, [
      ['source', report.source_type],
      ['system', report.system],
      ['table', report.table],
      ['load pattern', report.load_pattern],
      ['storage', report.storage_backend],
      ['silver model', report.silver_model ?? 'no silver section'],
    ]),
  );
}
