import { current } from './current.ts';

export const fullMergeDedupe = current('full_snapshot');
