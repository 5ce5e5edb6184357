import { current } from './current.ts';

export const scdType1 = current('current');
