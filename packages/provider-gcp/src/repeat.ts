import { sleep } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { abortedError } from './errors.ts'

const attempts = 3
const firstBackoffMs = 500

/**
 * Repeats a change while Google does not answer; only for calls with a request id, which makes a repetition find what the
 * first attempt did. Refusals (capacity, rate limits) are the caller's to handle.
 */
export async function repeatSafely<T>({ clock, random }: Adapter, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      const isLost = isProviderError(error, 'unavailable') && error.shape.nativeCode !== 'Aborted'
      if (!isLost || tried === attempts) throw error
      try {
        await sleep(clock, firstBackoffMs * 2 ** (tried - 1) * (0.5 + random.next() / 2), signal)
      } catch (aborted) {
        throw abortedError(aborted)
      }
    }
  }
}
