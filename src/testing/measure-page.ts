import { parsePage } from '../formats/json/page.ts';
import { peakBytesOf } from './peak-memory.ts';

/** Run as `measure-page.ts BYTES`: walks through one page of that size and prints what it took. */
const size = Number(process.argv[2]);
const record = Buffer.from(`,{"id":12345678,"name":"name","amount":9.50,"text":"${'x'.repeat(90)}"}`);
const bytes = Buffer.alloc(size, ' ');
let end = bytes.write('{"items":[0');
for (; end < size - 300; end += record.length) record.copy(bytes, end);
bytes.write('],"next":"abc"}', end);

const page = parsePage(bytes, [], 'GET /page');
let records = 0;
let characters = 0;
const started = performance.now();
for (const block of page.records()) {
  for (const { text } of block) {
    records += 1;
    characters += text.length;
  }
}
const seconds = (performance.now() - started) / 1000;
process.stdout.write(JSON.stringify({ records, characters, seconds, peakBytes: peakBytesOf(process.pid) }));
