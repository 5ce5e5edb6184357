import { FoundryError } from '../core/errors.ts';

/** The FoundryError that something fails with; whatever else it does is thrown. */
export async function failure(promise: Promise<unknown>): Promise<FoundryError> {
  const error: unknown = await promise.then(
    () => new Error('it went well'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof FoundryError) return error;
  throw error;
}
