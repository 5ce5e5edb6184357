import { passthrough } from './passthrough.ts';

export const periodicSnapshot = passthrough('full_snapshot');
