import { now } from '@understudy/core'
import type { Clock, JsonObject } from '@understudy/core'
import { providerError } from '../provider-error.ts'
import type { ProviderError } from '../provider-error.ts'
import type { CallContext, OperationHandle, OperationStatus, Scope } from '../refs.ts'

/** Asks the cloud where the operation of a handle stands. */
export type Poller = (handle: OperationHandle) => Promise<OperationStatus<unknown>>

/** `native` is the adapter's own, and JSON: another process may ask on with it. */
export const handleOf = <Result>(
  { scope, clock }: { readonly scope: Scope; readonly clock: Clock },
  verb: string,
  context: CallContext,
  native: JsonObject,
): OperationHandle<Result> => ({
  v: 1,
  provider: scope.provider,
  verb,
  idempotencyKey: context.idempotencyKey,
  startedAt: now(clock).toISOString(),
  native,
})

export const running = (nativeState: string, retryAfterMs = 1_000, progress?: number): OperationStatus<never> => ({
  phase: 'running',
  nativeState,
  retryAfterMs,
  ...(progress === undefined ? {} : { progress }),
})
export const succeeded = <Result>(result: Result): OperationStatus<Result> => ({ phase: 'succeeded', result })
export const failed = (error: ProviderError): OperationStatus<never> => ({ phase: 'failed', error: error.shape })

/** A text member of a handle's private part. A handle without it was not made by this adapter. */
export function textOf(handle: OperationHandle, member: string): string {
  const value = handle.native[member]
  if (typeof value !== 'string') throw providerError('invalid', 'BadHandle', `The operation handle ${handle.verb} has no ${member}.`)
  return value
}

/** Asks the poller of the handle's verb. A handle of another adapter, or of a verb that this one does not have, is `invalid`. */
export async function pollBy<Result>(
  pollers: Readonly<Record<string, Poller>>,
  { provider }: Scope,
  handle: OperationHandle<Result>,
): Promise<OperationStatus<Result>> {
  const poller = pollers[handle.verb]
  if (poller === undefined || handle.provider !== provider) {
    throw providerError('invalid', 'BadHandle', `This adapter has given out no handle of the kind ${handle.provider} ${handle.verb}.`)
  }
  return (await poller(handle)) as OperationStatus<Result> // the verb fixes the result's type
}
