/** Lets whatever else waits have its turn, such as an answer that has come. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
