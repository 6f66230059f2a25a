import { isProviderError } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'

/** Keeps what a capacity or quota failure said about an offering, so that nobody asks for it again too soon. Other errors: nothing. */
export async function rememberAvoided(deps: Pick<SagaDeps, 'database' | 'clock'>, accountId: string, error: unknown): Promise<void> {
  if (!isProviderError(error) || error.shape.avoid === undefined) return
  const { ttlMs, ...offering } = error.shape.avoid
  await deps.database.stores.avoid.remember({
    ...offering,
    accountId,
    reason: error.shape.nativeCode,
    until: new Date(deps.clock.nowMs() + ttlMs),
  })
}
