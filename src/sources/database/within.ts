/** Waits for what may never come, but not longer; a failure of it is no matter. The process may end meanwhile. */
export async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work.catch(() => undefined), promise]);
  clearTimeout(timer);
}
