/** Runs tasks of one key one after the other, and tasks of different keys beside each other. */
export function serialiser(): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>()
  return async (key, task) => {
    const before = tails.get(key) ?? Promise.resolve()
    const mine = before.then(task, task)
    // The next in line waits for the end of this task, not for its success.
    const tail = mine.then(ignore, ignore)
    tails.set(key, tail)
    try {
      return await mine
    } finally {
      if (tails.get(key) === tail) tails.delete(key)
    }
  }
}

const ignore = (): void => undefined
