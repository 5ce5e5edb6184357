import type { SilverSpec } from '../config/spec.ts';

/** What a promotion needs to know of a dataset: a join has no Bronze and no source. */
export interface PromotionSubject {
  readonly bronze: { readonly system: string };
  readonly silver: SilverSpec;
}
