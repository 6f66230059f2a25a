import { now } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { CallContext, OperationHandle, OperationStatus, ProviderError } from '@understudy/provider'
import type { Adapter } from './adapter.ts'

export const handleOf = <Result>(adapter: Adapter, verb: string, context: CallContext, native: JsonObject): OperationHandle<Result> => ({
  v: 1,
  provider: adapter.scope.provider,
  verb,
  idempotencyKey: context.idempotencyKey,
  startedAt: now(adapter.clock).toISOString(),
  native,
})

export const running = (nativeState: string, retryAfterMs = 1_000): OperationStatus<never> => ({ phase: 'running', nativeState, retryAfterMs })
export const succeeded = <Result>(result: Result): OperationStatus<Result> => ({ phase: 'succeeded', result })
export const failed = (error: ProviderError): OperationStatus<never> => ({ phase: 'failed', error: error.shape })

/** A text member of a handle's private part. A handle without it was not made by this adapter. */
export function textOf(handle: OperationHandle, member: string): string {
  const value = handle.native[member]
  if (typeof value !== 'string') throw providerError('invalid', 'BadHandle', `The operation handle ${handle.verb} has no ${member}.`)
  return value
}

export function optionalText(handle: OperationHandle, member: string): string | undefined {
  const value = handle.native[member]
  return typeof value === 'string' ? value : undefined
}
