import { peakOfOnePage } from '../../testing/page-memory.ts';

const { peakBytes, rows } = await peakOfOnePage(100e6);
console.log(`a page of 100 MB, ${rows} rows: ${Math.round(peakBytes / 1e6)} MB`);
if (peakBytes >= 1e9) throw new Error('a page of 100 MB takes 1 GB');
