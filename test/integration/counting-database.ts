import type { Database, Stores } from '@understudy/control'

export interface CountingDatabase {
  readonly database: Database
  /** Calls the server has not answered yet, a transaction counting as one. */
  readonly inFlight: () => number
}

/** A database that tells when nothing of it is under way: only then may a test's virtual clock move. */
export function countingDatabase(database: Database): CountingDatabase {
  let calls = 0
  const counted = async <T>(call: () => Promise<T>): Promise<T> => {
    calls++
    try {
      return await call()
    } finally {
      calls--
    }
  }
  const countingMethods = <Methods extends object>(methods: Methods): Methods =>
    new Proxy(methods, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        return typeof member === 'function' ? (...parameters: unknown[]) => counted(() => Reflect.apply(member, target, parameters)) : member
      },
    })
  const stores = Object.fromEntries(
    Object.entries(database.stores).map(([name, store]) => [name, countingMethods(store as object)]),
  ) as unknown as Stores
  return {
    inFlight: () => calls,
    database: {
      stores,
      sagas: countingMethods(database.sagas),
      transaction: (work) => counted(() => database.transaction(work)),
      ping: () => counted(() => database.ping()),
      close: () => database.close(),
    },
  }
}
