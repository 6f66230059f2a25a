import { sleep } from '@understudy/core'
import type { InstanceRef, Provider } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'

/** A cloud may not show for up to a minute what it has made: these pauses add up to that. */
const pausesMs = [2000, 5000, 10_000, 18_000, 25_000]

/**
 * What a key has made, when it has to be known for certain: an answer that was lost may have been a success, and a list that is empty
 * right afterwards proves nothing. Waits up to a minute for something to show.
 */
export async function adoptPatiently(
  deps: Pick<SagaDeps, 'clock'>,
  provider: Provider,
  idempotencyKey: string,
  signal: AbortSignal,
): Promise<readonly InstanceRef[]> {
  for (const pauseMs of [0, ...pausesMs]) {
    await sleep(deps.clock, pauseMs, signal)
    const { instances } = await provider.compute.adopt(idempotencyKey)
    if (instances.length > 0) return instances
  }
  return []
}
