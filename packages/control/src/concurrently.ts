/**
 * Runs `work` for every item, at most `limit` at once, and answers the results in order. The first error stops what has not begun;
 * it is thrown when everything that had begun has settled, so that nothing goes on behind the caller's back.
 */
export async function concurrently<Item, Result>(items: readonly Item[], limit: number, work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = Array.from({ length: items.length })
  let next = 0
  let failure: { readonly error: unknown } | undefined
  const lane = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const index = next++
      try {
        results[index] = await work(items[index]!) // below the length
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane))
  if (failure !== undefined) throw failure.error
  return results
}
