import type { Database } from '@understudy/control'
import type { Clock } from '@understudy/core'

/** Counts what is under way in the real database, so that virtual time moves only when nothing is. */
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

  /** Resolves when nothing is under way, and stays so for some turns of the event loop. */
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
  shroud<T extends object>(target: T, inFlight?: InFlight): T {
    return new Proxy(target, {
      get: (object, property, receiver) => {
        const value: unknown = Reflect.get(object, property, receiver)
        if (typeof value === 'function') {
          return (...args: readonly unknown[]) => {
            if (!this.#alive) return never
            const answer: unknown = Reflect.apply(value, object, args)
            if (!(answer instanceof Promise)) return answer
            return this.#answered(inFlight ? inFlight.track(answer) : answer)
          }
        }
        return typeof value === 'object' && value !== null && !(value instanceof Map) && !Array.isArray(value) ? this.shroud(value, inFlight) : value
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

export const mortalDatabase = (database: Database, life: Life, inFlight: InFlight): Database => ({
  stores: life.shroud(database.stores, inFlight),
  sagas: life.shroud(database.sagas, inFlight),
  transaction: (work) => life.shroud({ run: () => database.transaction(work) }, inFlight).run(),
  ping: () => database.ping(),
  close: () => Promise.resolve(),
})
