import { isProviderError } from '@understudy/provider'
import { repeatLost } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import { pause } from './freshness.ts'

/** EC2 shows a new thing to a search by tag within seconds; looked for at these moments after the loss. */
const lookAfterMs = [0, 2_000, 3_000] as const

/** Repeats a call that carries a client token while EC2 does not answer. */
export const repeatWithToken = <T>({ clock, random }: Adapter, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
  repeatLost({ random, pause: (delayMs) => pause(clock, delayMs, signal) }, attempt)

/**
 * A call that would make a second thing when repeated. When its answer is lost, `look` searches for the effect; only when there
 * is none is the call repeated, once. A second loss is the caller's, still marked ambiguous.
 */
export async function lookBeforeRepeating<T>(
  { clock }: Adapter,
  call: { readonly attempt: () => Promise<T>; readonly look: () => Promise<T | undefined>; readonly signal?: AbortSignal | undefined },
): Promise<T> {
  try {
    return await call.attempt()
  } catch (error) {
    if (!isProviderError(error) || error.shape.ambiguous !== true || error.shape.nativeCode === 'Aborted') throw error
  }
  for (const waitMs of lookAfterMs) {
    if (waitMs > 0) await pause(clock, waitMs, call.signal)
    const found = await call.look()
    if (found !== undefined) return found
  }
  return await call.attempt()
}
