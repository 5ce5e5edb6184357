import { expect, test } from 'bun:test';
import { type DataType, type Field, STRING } from '../core/schema.ts';
import { silverSpec } from '../testing/silver-kit.ts';
import { ORDER } from './models/model.ts';
import { partitionColumns } from './partitions.ts';
import { schemaProbe } from './probe.ts';

const TIME: DataType = { kind: 'timestamp', unit: 'micros', utc: false };
const KEPT: readonly Field[] = ['id', 'ts', 'ordered_at'].map((name) => ({ name, type: STRING }));

/** What names the folders, and what is warned of. */
async function folders(partitioning: Partial<ReturnType<typeof silverSpec>['partitioning']>) {
  const spec = silverSpec({ partitioning: { columns: [], keepColumns: false, ...partitioning } });
  const warnings: string[] = [];
  const order = { type: TIME, sql: 'ts' };
  const warn = (message: string) => void warnings.push(message);
  const columns = await partitionColumns(schemaProbe(spec), spec, KEPT, order, warn);
  return { sql: columns.map((column) => column.sql), warnings };
}

const CHANGED = `(${ORDER})::DATE`;

test('a date of the order column under the name of another column is told, with what gives the other', async () => {
  expect(await folders({ columns: ['ordered_at_dt'] })).toEqual({
    sql: [CHANGED],
    warnings: [
      'partition_by: "ordered_at_dt" holds the date of "ts", not that of "ordered_at"; ' +
        'for that, set record_time_column: ordered_at and record_time_partition: ordered_at_dt',
    ],
  });
  const ends = await folders({ columns: ['effective_to_dt'] });
  expect(ends.warnings).toEqual([expect.stringContaining('not that of "effective_to"')]);

  const advised = await folders({ recordTime: { column: 'ordered_at', partition: 'ordered_at_dt' } });
  expect(advised.warnings).toEqual([]);
  expect(advised.sql).toEqual([expect.stringContaining('"ordered_at"')]);
});

test('other names of that date are nobody else’s', async () => {
  for (const name of ['ts_dt', 'effective_from_dt', 'event_dt']) {
    expect(await folders({ columns: [name] })).toEqual({ sql: [CHANGED], warnings: [] });
  }
  expect((await folders({})).warnings).toEqual([]);
});
