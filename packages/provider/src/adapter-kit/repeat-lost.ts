import type { Random } from '@understudy/core'
import { isProviderError } from '../provider-error.ts'

const attempts = 3
const firstBackoffMs = 500

/**
 * Repeats a call that carries a token of ours (a client token, a request id) while the cloud does not answer: the token makes the
 * repetition find what the first attempt did. Refusals (capacity, throttling) are the caller's to handle.
 */
export async function repeatLost<T>(
  { random, pause }: { readonly random: Random; readonly pause: (delayMs: number) => Promise<void> },
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      const isLost = isProviderError(error, 'unavailable') && error.shape.nativeCode !== 'Aborted'
      if (!isLost || tried === attempts) throw error
      await pause(firstBackoffMs * 2 ** (tried - 1) * (0.5 + random.next() / 2))
    }
  }
}
