import type { Database } from '@understudy/control'

/** Counts what is under way in a real database, so that virtual time stands still meanwhile. */
export class InFlight {
  #count = 0
  #idle: (() => void)[] = []

  async track<T>(work: Promise<T>): Promise<T> {
    this.#count += 1
    try {
      return await work
    } finally {
      this.#count -= 1
      if (this.#count === 0) for (const resolve of this.#idle.splice(0)) resolve()
    }
  }

  /** Resolves when nothing is under way and nothing has begun for some turns of the event loop. */
  async settle(): Promise<void> {
    let quietTurns = 0
    while (quietTurns < 3) {
      if (this.#count > 0) {
        quietTurns = 0
        await new Promise<void>((resolve) => this.#idle.push(resolve))
      }
      await new Promise<void>((resolve) => setImmediate(resolve))
      quietTurns += 1
    }
  }
}

/** The same database with every call that answers a promise counted, those of the stores within transactions apart: they are part of one. */
export const countedDatabase = (database: Database, inFlight: InFlight): Database => ({
  stores: counted(database.stores, inFlight),
  sagas: counted(database.sagas, inFlight),
  transaction: (work) => inFlight.track(database.transaction(work)),
  ping: () => inFlight.track(database.ping()),
  close: () => database.close(),
})

function counted<T extends object>(target: T, inFlight: InFlight): T {
  return new Proxy(target, {
    get(object, property) {
      const value: unknown = Reflect.get(object, property)
      if (typeof value === 'object' && value !== null) return counted(value, inFlight)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]): unknown => {
        const answer: unknown = Reflect.apply(value, object, args)
        return answer instanceof Promise ? inFlight.track(answer) : answer
      }
    },
  })
}
