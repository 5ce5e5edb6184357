import type { TableSchema } from '../../core/schema.ts';
import { type TextFormat, textFormat } from '../../table/format.ts';
import { checkedBytes } from '../column-check.ts';
import { createPartFile } from '../part-file.ts';
import type { PartWriter } from '../part-writer.ts';

const FLUSH_CHARS = 1 << 20;
const NEEDS_QUOTES = /[",\r\n]/;

/**
 * RFC 4180 with LF line ends: UTF-8, a header, NULL as an empty cell, the empty string as `""`, values as
 * `textFormat` writes them.
 * @throws STG001 when the file cannot be written; DATA001 when a value cannot be kept exactly.
 */
export async function openCsvPart(file: string, schema: TableSchema): Promise<PartWriter> {
  const part = await createPartFile(file);
  const formats: TextFormat[] = schema.fields.map(({ type }) => textFormat(type));
  let rows = 0;
  let text = `${schema.fields.map(({ name }) => quoteCell(name)).join(',')}\n`;

  const drain = async (): Promise<void> => {
    const bytes = Buffer.from(text);
    text = '';
    await part.append(bytes);
  };

  return {
    get sizeBytes() {
      return part.sizeBytes;
    },
    async write(batch) {
      schema.fields.forEach((field, index) => {
        checkedBytes(field, batch.columns[index] ?? [], 0, batch.length, rows);
      });
      for (let row = 0; row < batch.length; row += 1) {
        let line = '';
        for (let index = 0; index < formats.length; index += 1) {
          const value = batch.columns[index]?.[row];
          const format = formats[index];
          if (index > 0) line += ',';
          if (value !== null && value !== undefined && format !== undefined) line += quoteCell(format(value));
        }
        text += `${line}\n`;
        if (text.length >= FLUSH_CHARS) await drain();
      }
      rows += batch.length;
    },
    async close() {
      await drain();
      return { rows, ...(await part.close()) };
    },
    abort: () => part.abort(),
  };
}

function quoteCell(text: string): string {
  return text === '' || NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
