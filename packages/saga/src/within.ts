import type { Clock } from '@understudy/core'
import { DeadlineExceeded } from '@understudy/core'

/** Settles like `work`, or rejects with `DeadlineExceeded` after `ms`; what `work` becomes then is ignored. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  let cancel: () => void = () => undefined
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.schedule(ms, () => reject(new DeadlineExceeded(ms)))
  })
  try {
    return await Promise.race([work, late])
  } finally {
    cancel()
  }
}
