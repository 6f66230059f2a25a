import { sleep } from '@understudy/core'
import { ProviderError, isProviderError } from '@understudy/provider'
import type { OperationHandle, Provider } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'

/** Polls gently at first and then every 2 s: most changes take either no time or many seconds. */
const pollDelaysMs = [100, 200, 400, 800, 1500, 2000]
const pollDelayMs = (round: number): number => pollDelaysMs[Math.min(round, pollDelaysMs.length - 1)] ?? 2000

/** Waits until the cloud has done it. Throws its `ProviderError` when it failed, or the signal's reason when time is up. */
export function awaitOperation<Result>(
  deps: Pick<SagaDeps, 'clock'>,
  provider: Provider,
  handle: OperationHandle<Result>,
  signal: AbortSignal,
): Promise<Result> {
  // Boxed, because an operation may have nothing to answer.
  return awaitCondition(deps, signal, async () => {
    const status = await provider.compute.poll(handle)
    if (status.phase === 'succeeded') return { result: status.result }
    if (status.phase === 'failed') throw new ProviderError(status.error)
    return undefined
  }).then(({ result }) => result)
}

/**
 * Repeats `look` until it answers something, gently at first. A look that the cloud did not answer is no answer: among dozens of
 * looks one will meet a throttle or a lost connection, and that must not fail what is otherwise going well.
 */
export async function awaitCondition<Found>(
  deps: Pick<SagaDeps, 'clock'>,
  signal: AbortSignal,
  look: () => Promise<Found | undefined>,
): Promise<Found> {
  for (let round = 0; ; round++) {
    let delayMs = pollDelayMs(round)
    try {
      const found = await look()
      if (found !== undefined) return found
    } catch (error) {
      if (!isProviderError(error) || !error.shape.retryable) throw error
      delayMs = Math.max(delayMs, error.shape.retryAfterMs ?? 0)
    }
    await sleep(deps.clock, delayMs, signal)
  }
}
