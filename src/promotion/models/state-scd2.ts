import { history } from './history.ts';

export const stateScd2 = history({ history: 'state_history', current: 'state_current' });
