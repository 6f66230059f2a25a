import type { SagaEventType, SagaStore } from '@understudy/saga'

/** Where in the log the process dies: just before an entry is written, or just after it was (and nobody was told). */
export interface CrashPoint {
  readonly side: 'before' | 'after'
  readonly type: SagaEventType | 'finish'
  readonly step?: string
}

export interface CrashingStore extends SagaStore {
  readonly crashed: () => boolean
}

/**
 * The store as a process sees it that dies at one point of the log: from there on none of its calls arrives. Entries written
 * together are written one by one, so that the process can die between any two of them.
 */
export function crashingStore(store: SagaStore, point: CrashPoint): CrashingStore {
  let dead = false
  const dieAt = (side: CrashPoint['side'], type: CrashPoint['type'], step?: string): void => {
    if (point.side === side && point.type === type && point.step === step) dead = true
    if (dead) throw new Error('the process has crashed')
  }
  const alive = (): void => {
    if (dead) throw new Error('the process has crashed')
  }
  return {
    crashed: () => dead,
    async claim(options) {
      alive()
      return await store.claim(options)
    },
    async renew(options) {
      alive()
      return await store.renew(options)
    },
    async append(operation, events, audit) {
      alive()
      if (events.length === 0) return await store.append(operation, events, audit)
      for (const [index, event] of events.entries()) {
        dieAt('before', event.type, event.step)
        await store.append(operation, [event], index === 0 ? audit : undefined)
        dieAt('after', event.type, event.step)
      }
      return undefined
    },
    async note(operation, entry) {
      alive()
      await store.note(operation, entry)
    },
    async finish(operation, result) {
      alive()
      dieAt('before', 'finish')
      await store.finish(operation, result)
      dieAt('after', 'finish')
    },
    async release(operation, options) {
      alive()
      await store.release(operation, options)
    },
  }
}
