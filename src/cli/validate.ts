import type { JoinPlace, JoinSpec } from '../config/join/spec.ts';
import type { DatasetSpec } from '../config/spec.ts';
import { parseLocation } from '../config/storage/location.ts';
import { emitResults } from './emit.ts';
import type { DatasetResult } from './outcome.ts';
import { renderFacts } from './render.ts';
import type { Session } from './session.ts';

function backendAt(base: string): string {
  const location = parseLocation(base);
  return 'problem' in location ? 'local' : location.type;
}

/** The report of `--validate-only`: what each valid dataset and join is, and nothing done. */
export function emitValidated(
  session: Session,
  datasets: readonly DatasetSpec[],
  joins: readonly JoinSpec[] = [],
): number {
  const valid = datasets.map((spec) => ({ dataset: spec.name, report: validDataset(spec) }));
  const validJoins = joins.map((spec) => ({ dataset: spec.name, report: validJoin(spec) }));
  const results: readonly DatasetResult<ValidDataset | ValidJoin>[] = [...valid, ...validJoins];
  return emitResults(session, results, (report) =>
    'join_type' in report ? renderValidJoin(report) : renderValidDataset(report),
  );
}

type ValidDataset = ReturnType<typeof validDataset>;
type ValidJoin = ReturnType<typeof validJoin>;

function validDataset(spec: DatasetSpec) {
  return {
    dataset: spec.name,
    config: spec.configPath,
    status: 'valid',
    system: spec.bronze.system,
    table: spec.bronze.table,
    source_type: spec.bronze.source.type,
    load_pattern: spec.bronze.loadPattern,
    storage_backend: backendAt(spec.bronze.base),
    silver_model: spec.silver?.model ?? null,
  };
}

function renderValidDataset(report: ValidDataset): string {
  return renderFacts(`${report.config}: ${report.dataset} is valid`, [
    ['source', report.source_type],
    ['system', report.system],
    ['table', report.table],
    ['load pattern', report.load_pattern],
    ['storage', report.storage_backend],
    ['silver model', report.silver_model ?? 'no silver section'],
  ]);
}

function validJoin({ configPath, left, name, output, right }: JoinSpec) {
  return {
    dataset: name,
    config: configPath,
    layer: 'join' as const,
    status: 'valid',
    left: shownPlace(left.place),
    right: shownPlace(right.place),
    output: shownPlace(output.place),
    join_type: output.joinType,
    silver_model: output.model,
  };
}

function renderValidJoin(report: ValidJoin): string {
  return renderFacts(`${report.config}: ${report.dataset} is valid`, [
    ['left', report.left],
    ['right', report.right],
    ['output', report.output],
    ['join type', report.join_type],
    ['silver model', report.silver_model],
  ]);
}

function shownPlace(place: JoinPlace): string {
  if (place.kind === 'path') return place.path;
  const date = typeof place.loadDate === 'string' ? place.loadDate : place.loadDate.date;
  return `${place.domain}.${place.entity} v${place.version}, ${date === 'run' ? 'load of the run date' : `load ${date}`}`;
}
