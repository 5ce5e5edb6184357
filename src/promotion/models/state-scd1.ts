import { current } from './current.ts';

/** `scd1` and `latest_only` give the same rows. */
export const stateScd1 = current('state_current');
