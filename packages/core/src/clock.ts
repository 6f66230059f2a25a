/**
 * Time as a dependency. Nothing outside an application's `main.ts` reads the machine's clock: a saga, a reconciler or a
 * simulated cloud that takes a `Clock` can be run in virtual time, and a test can say what time it is.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
  /** Calls `fire` once, `delayMs` from now (0 and below: as soon as possible). Returns a function that cancels it. */
  schedule(delayMs: number, fire: () => void): () => void
}

/** The machine's clock. `schedule` does not keep the process alive unless `keepAlive` is set. */
export function systemClock(options: { keepAlive?: boolean } = {}): Clock {
  return {
    nowMs: () => Date.now(),
    schedule(delayMs, fire) {
      // setTimeout fires at once above 2^31-1 ms; a longer wait is cut and renewed.
      const maxMs = 2_147_000_000
      const dueMs = Date.now() + Math.max(0, delayMs)
      let timer: NodeJS.Timeout
      const arm = (): void => {
        const leftMs = dueMs - Date.now()
        timer = setTimeout(leftMs > maxMs ? arm : fire, Math.min(Math.max(0, leftMs), maxMs))
        if (!options.keepAlive) timer.unref()
      }
      arm()
      return () => clearTimeout(timer)
    },
  }
}

export const now = (clock: Clock): Date => new Date(clock.nowMs())

/** Resolves after `delayMs` on this clock; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortReason(signal))
      return
    }
    const onAbort = (): void => {
      cancel()
      reject(abortReason(signal))
    }
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** An `AbortSignal` that aborts after `delayMs` on this clock, and a function that releases its timer. */
export function timeoutSignal(clock: Clock, delayMs: number, parent?: AbortSignal): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  const cancel = clock.schedule(delayMs, () => controller.abort(new DeadlineExceeded(delayMs)))
  const onParent = (): void => controller.abort(parent?.reason)
  if (parent?.aborted) controller.abort(parent.reason)
  else parent?.addEventListener('abort', onParent, { once: true })
  return {
    signal: controller.signal,
    release: () => {
      cancel()
      parent?.removeEventListener('abort', onParent)
    },
  }
}

/** Settles like `work`, or rejects with the signal's reason when that aborts first; what `work` becomes then is ignored. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(abortReason(signal))
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort))
}

/** Settles like `work`, or rejects with `DeadlineExceeded` after `ms` on this clock; what `work` becomes then is ignored. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const { signal, release } = timeoutSignal(clock, ms)
  return orAborted(work, signal).finally(release)
}

/** The reason of a `timeoutSignal` that ran out. */
export class DeadlineExceeded extends Error {
  readonly waitedMs: number
  constructor(waitedMs: number) {
    super(`deadline exceeded after ${waitedMs} ms`)
    this.name = 'DeadlineExceeded'
    this.waitedMs = waitedMs
  }
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error('aborted')
}
