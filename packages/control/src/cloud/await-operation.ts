import { sleep } from '@understudy/core'
import { ProviderError } from '@understudy/provider'
import type { OperationHandle, Provider } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'

/** Polls gently at first and then every 2 s: most changes take either no time or many seconds. */
const pollDelaysMs = [100, 200, 400, 800, 1500, 2000]
const pollDelayMs = (round: number): number => pollDelaysMs[Math.min(round, pollDelaysMs.length - 1)] ?? 2000

/** Waits until the cloud has done it. Throws its `ProviderError` when it failed, or the signal's reason when time is up. */
export async function awaitOperation<Result>(
  deps: Pick<SagaDeps, 'clock'>,
  provider: Provider,
  handle: OperationHandle<Result>,
  signal: AbortSignal,
): Promise<Result> {
  for (let round = 0; ; round++) {
    const status = await provider.compute.poll(handle)
    if (status.phase === 'succeeded') return status.result
    if (status.phase === 'failed') throw new ProviderError(status.error)
    await sleep(deps.clock, status.retryAfterMs ?? pollDelayMs(round), signal)
  }
}

/** Repeats `look` until it answers something, with the same pace. */
export async function awaitCondition<Found>(
  deps: Pick<SagaDeps, 'clock'>,
  signal: AbortSignal,
  look: () => Promise<Found | undefined>,
): Promise<Found> {
  for (let round = 0; ; round++) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(deps.clock, pollDelayMs(round), signal)
  }
}
