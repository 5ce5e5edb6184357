import { history } from './history.ts';

export const scdType2 = history({ history: 'history', current: 'current' });
