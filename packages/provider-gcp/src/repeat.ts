import { sleep } from '@understudy/core'
import type { Clock } from '@understudy/core'
import { repeatLost } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import { abortedError } from './errors.ts'

/** Repeats a change that carries a request id while Google does not answer. */
export const repeatSafely = <T>({ clock, random }: Adapter, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
  repeatLost({ random, pause: (delayMs) => pause(clock, delayMs, signal) }, attempt)

async function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(clock, delayMs, signal)
  } catch (aborted) {
    throw abortedError(aborted)
  }
}
