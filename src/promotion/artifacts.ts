import { join } from 'node:path';
import type { OutputFormats } from '../config/spec.ts';
import type { Progress } from '../core/log.ts';
import type { TableSchema } from '../core/schema.ts';
import { traced } from '../core/trace.ts';
import type { Engine } from '../engine/engine.ts';
import { runHeavy } from '../engine/heavy.ts';
import { copyToPart, hashFile } from '../engine/parts.ts';
import { identifier, parquetRows } from '../engine/sql.ts';
import type { SpooledPart } from '../lake/lake.ts';
import type { PlannedArtifact } from './artifact-plan.ts';
import { writeFolders } from './folders.ts';
import { exactText } from './text-sql.ts';

export interface WrittenArtifact {
  readonly artifact: string;
  readonly rows: number;
  readonly parts: readonly SpooledPart[];
  /** Local Parquet with all rows and columns, sorted; later artifacts read it. Absent where one was read itself. */
  readonly staged?: string;
}

/**
 * Writes one artifact: sorted once, then one file per partition value and format, so that the bytes do not depend
 * on threads. Zero rows give one file that has the columns.
 */
export function writeArtifact(
  engine: Engine,
  planned: PlannedArtifact,
  formats: OutputFormats,
  spool: string,
  stagedOf: (artifact: string) => string,
  progress: Progress,
): Promise<WrittenArtifact> {
  return traced(
    'foundry.model',
    () => ({ 'foundry.artifact': planned.artifact }),
    async (span) => {
      const written = await writeFiles(engine, planned, formats, spool, stagedOf, progress);
      span?.set({ 'foundry.rows': written.rows });
      return written;
    },
  );
}

async function writeFiles(
  engine: Engine,
  planned: PlannedArtifact,
  formats: OutputFormats,
  spool: string,
  stagedOf: (artifact: string) => string,
  progress: Progress,
): Promise<WrittenArtifact> {
  const wanted = (['parquet', 'csv'] as const).filter((format) => formats[format]);
  const { artifact, stem, partitions } = planned;
  const base = { stem, role: 'data', artifact } as const;
  if (partitions.length === 0 && formats.parquet && !formats.csv) {
    const file = join(spool, `${artifact}.parquet.tmp`);
    const select = `SELECT ${columnList(planned, planned.fileSchema, 'parquet')} FROM (${planned.sql(stagedOf)})`;
    progress.step(`writing ${stem}`);
    const { rows } = await runHeavy(engine, progress, () =>
      copyToPart(engine, select, file, { format: 'parquet', compression: formats.compression }),
    );
    const part = { ...base, file, folder: '', format: 'parquet', rows, ...(await hashFile(file)) } as const;
    return { artifact, rows, parts: [part], staged: file };
  }

  // Folders are cut out of a file that is sorted already, if there is one.
  const taken = partitions.length === 0 ? undefined : planned.taken;
  const staged = taken === undefined ? join(spool, `${artifact}.staged.tmp`) : stagedOf(taken.from);
  const where = taken?.where ?? 'true';
  const rows =
    taken === undefined
      ? await stage(engine, planned.sql(stagedOf), staged, `sorting ${stem}`, progress)
      : await countRows(engine, staged, where);
  if (partitions.length > 0 && rows > 0) {
    const parts = await writeFolders(engine, {
      staged,
      ...(taken !== undefined && { where }),
      partitions,
      columns: (format) => columnList(planned, planned.fileSchema, format),
      formats: wanted,
      compression: formats.compression,
      target: join(spool, artifact),
      stem,
      progress,
    });
    const written = { artifact, rows, parts: parts.map((part) => ({ ...base, ...part })) };
    return taken === undefined ? { ...written, staged } : written;
  }
  progress.step(`writing ${stem}`);
  const schema = rows === 0 ? withEveryColumn(planned) : planned.fileSchema;
  const parts: SpooledPart[] = [];
  for (const format of wanted) {
    const file = join(spool, `${artifact}.${format}.tmp`);
    const select = `SELECT ${columnList(planned, schema, format)} FROM ${parquetRows(staged)} WHERE ${where}`;
    await runHeavy(engine, progress, () =>
      copyToPart(engine, select, file, { format, compression: formats.compression }),
    );
    parts.push({ ...base, file, folder: '', format, rows, ...(await hashFile(file)) });
  }
  return { artifact, rows, parts, staged };
}

async function stage(
  engine: Engine,
  sql: string,
  file: string,
  step: string,
  progress: Progress,
): Promise<number> {
  progress.step(step);
  const { rows } = await runHeavy(engine, progress, () =>
    copyToPart(engine, sql, file, { format: 'parquet', compression: 'none' }),
  );
  return rows;
}

async function countRows(engine: Engine, staged: string, where: string): Promise<number> {
  const [found] = await engine.query(`SELECT count(*) AS n FROM ${parquetRows(staged)} WHERE ${where}`);
  return Number(found?.n);
}

/** Without a row there is no folder that could name a partition column. */
function withEveryColumn(planned: PlannedArtifact): TableSchema {
  return { fields: [...planned.rowSchema.fields, ...planned.constants.map((column) => column.field)] };
}

function columnList(planned: PlannedArtifact, schema: TableSchema, format: 'parquet' | 'csv'): string {
  return schema.fields
    .map(({ name, type }) => {
      const column = identifier(name);
      const sql = planned.constants.find((constant) => constant.field.name === name)?.sql ?? column;
      return `${format === 'csv' ? exactText(sql, type) : sql} AS ${column}`;
    })
    .join(', ');
}
