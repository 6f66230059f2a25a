import type { Database } from '@understudy/control'
import type { Clock } from '@understudy/core'
import type { InFlight } from '@understudy/testing/in-flight'

/**
 * The same database, one call after the other, in the order they were asked: whatever the machine does, the same seed asks the
 * same questions in the same order and gets the same answers. Calls of a transaction's own stores are part of one turn.
 */
export function orderedDatabase(database: Database, inFlight: InFlight): Database {
  let tail: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = tail.then(work)
    tail = mine.catch(() => undefined)
    return inFlight.track(mine)
  }
  const ordered = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, property) {
        const value: unknown = Reflect.get(object, property)
        if (typeof value === 'object' && value !== null) return ordered(value)
        if (typeof value !== 'function') return value
        return (...args: readonly unknown[]) => inTurn(async () => (await Reflect.apply(value, object, args)) as unknown)
      },
    })
  return {
    stores: ordered(database.stores),
    sagas: ordered(database.sagas),
    transaction: (work) => inTurn(() => database.transaction(work)),
    ping: () => inTurn(() => database.ping()),
    close: () => database.close(),
  }
}

/**
 * One life of a process. When it ends, its timers never fire and the answers to its calls never arrive: what was on its way
 * takes effect or not, as with a process that was killed.
 */
export class Life {
  #alive = true

  end(): void {
    this.#alive = false
  }

  get isAlive(): boolean {
    return this.#alive
  }

  clock(clock: Clock): Clock {
    return { nowMs: () => clock.nowMs(), schedule: (delayMs, fire) => clock.schedule(delayMs, () => this.#alive && fire()) }
  }

  /** Every function below `target` that answers a promise: dead callers are never answered, and their calls never begin. */
  shroud<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, property, receiver) => {
        const value: unknown = Reflect.get(object, property, receiver)
        if (typeof value === 'function') {
          return (...args: readonly unknown[]) => {
            if (!this.#alive) return never
            const answer: unknown = Reflect.apply(value, object, args)
            if (!(answer instanceof Promise)) return answer
            return this.#answered(answer)
          }
        }
        return typeof value === 'object' && value !== null && !(value instanceof Map) && !Array.isArray(value) ? this.shroud(value) : value
      },
    })
  }

  #answered<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.#alive && resolve(value),
        (error: unknown) => this.#alive && reject(error),
      )
    })
  }
}

const never: Promise<never> = new Promise(() => undefined)

export const mortalDatabase = (database: Database, life: Life): Database => ({
  stores: life.shroud(database.stores),
  sagas: life.shroud(database.sagas),
  transaction: (work) => life.shroud({ run: () => database.transaction(work) }).run(),
  ping: () => database.ping(),
  close: () => Promise.resolve(),
})
