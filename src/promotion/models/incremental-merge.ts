import { passthrough } from './passthrough.ts';

export const incrementalMerge = passthrough('cdc_changes');
