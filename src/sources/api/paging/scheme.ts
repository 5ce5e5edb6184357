import { FoundryError } from '../../../core/errors.ts';

/** Which page: its parameters, or its whole address. A number is one in a JSON body too. */
export type Place = { readonly params: Readonly<Record<string, string | number>> } | { readonly url: string };

/** A page as a scheme looks at it. */
export interface SeenPage {
  /** From 1, in the order of reading. */
  readonly number: number;
  readonly count: number;
  /** Records of the longest page before this one; 0 for the first. */
  readonly longest: number;
  /** The document without its records. */
  readonly envelope: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Where it came from in the end. */
  readonly url: string;
  /** The texts of its records, as JSON. */
  readonly records: () => Iterable<string>;
  /** What the API says itself about whether there is more; absent where it says nothing. */
  readonly hasMore?: boolean;
}

/** How one page leads to the next: pure, so that it can be asked about pages that are not there yet. */
export interface Scheme {
  readonly first: Place;
  /**
   * The page after `page`, which was read at `place`; undefined where the scheme sees its end.
   *
   * @throws PAGE001 when the page cannot lead on
   */
  next(place: Place, page: SeenPage): Place | undefined;
  /**
   * The pages that follow `place` as long as pages have `size` records each; for schemes that can tell before
   * they have read them.
   */
  ahead?(place: Place, size: number, count: number): readonly Place[];
  /**
   * Looks at the second page beside the first.
   *
   * @throws PAGE001 when they do not fit together
   */
  checkSecond?(second: SeenPage, first: SeenPage): void;
  /** Whether the API says that `page` is the last. It is not taken at its word: see `walkPages`. */
  statedEnd?(page: SeenPage): boolean;
  /** Whether an empty page may have others behind it: where the API leads on by itself. */
  readonly emptyLeadsOn: boolean;
}

/** @param hint what to change in the config */
export function pageError(page: SeenPage | number, message: string, hint?: string): FoundryError {
  const details = typeof page === 'number' ? { page } : { page: page.number, url: page.url };
  return new FoundryError('PAGE001', `page ${details.page}: ${message}`, {
    details,
    ...(hint !== undefined && { hint }),
  });
}

/** The parameter of a place, as a number. */
export function numberAt(place: Place, name: string): number {
  return 'params' in place ? Number(place.params[name]) : Number.NaN;
}
