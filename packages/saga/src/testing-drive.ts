import type { VirtualClock } from '@understudy/core'

/**
 * Lets virtual time pass until `work` settles, and answers as it does: whatever can happen without time passing happens first.
 * Throws when nothing is left that time could bring about, or after `limitMs` of virtual time.
 */
export async function drive<T>(
  clock: VirtualClock,
  work: Promise<T>,
  options: {
    /** Resolves when nothing but time is waited for. Default: two turns of the event loop. */
    readonly settle?: () => Promise<void>
    /** Default 7 days. */
    readonly limitMs?: number
  } = {},
): Promise<T> {
  const settle = options.settle ?? turns
  const untilMs = clock.nowMs() + (options.limitMs ?? 7 * 86_400_000)
  let settled = false
  const mark = (): void => {
    settled = true
  }
  work.then(mark, mark)
  for (;;) {
    await settle()
    if (settled) return await work
    if (clock.nowMs() > untilMs) throw new Error('drive: the work has not ended within the limit of virtual time')
    if (!clock.advanceToNext()) throw new Error('drive: the work waits for something that no timer brings about')
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function turns(): Promise<void> {
  await turn()
  await turn()
}
