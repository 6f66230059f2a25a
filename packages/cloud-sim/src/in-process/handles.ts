import { now, type JsonObject } from '@understudy/core'
import { providerError, type CallContext, type OperationHandle, type OperationStatus, type ProviderError } from '@understudy/provider'
import { settleMs, type SimAdapter } from './adapter.ts'

export const handleOf = <Result>(adapter: SimAdapter, verb: string, context: CallContext, native: JsonObject): OperationHandle<Result> => ({
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

/** True while a state that contradicts the accepted call may still be the old one. */
export const mayBeStale = (adapter: SimAdapter, handle: OperationHandle): boolean => adapter.clock.nowMs() - Date.parse(handle.startedAt) < settleMs

/** A text member of a handle's private part. */
export function textOf(handle: OperationHandle, member: string): string {
  const value = handle.native[member]
  if (typeof value !== 'string') throw providerError('invalid', 'BadHandle', `The operation handle ${handle.verb} has no ${member}.`)
  return value
}
