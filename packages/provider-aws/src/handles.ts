import { now } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import type { CallContext, OperationHandle, OperationStatus, ProviderError } from '@understudy/provider'
import { providerError } from '@understudy/provider'
import type { Adapter } from './adapter.ts'

/** How long a described state may lag behind a call that EC2 has accepted. */
export const settleMs = 60_000

export type Poller = (handle: OperationHandle) => Promise<OperationStatus<unknown>>

export const handleOf = <Result>(adapter: Adapter, verb: string, context: CallContext, native: JsonObject): OperationHandle<Result> => ({
  v: 1,
  provider: adapter.scope.provider,
  verb,
  idempotencyKey: context.idempotencyKey,
  startedAt: now(adapter.clock).toISOString(),
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

/** True while a state that contradicts the accepted call may still be the old one. */
export const mayBeStale = (adapter: Adapter, handle: OperationHandle): boolean => adapter.clock.nowMs() - Date.parse(handle.startedAt) < settleMs

/** A text member of a handle's private part. A handle without it was not made by this adapter. */
export function textOf(handle: OperationHandle, member: string): string {
  const value = handle.native[member]
  if (typeof value !== 'string') throw providerError('invalid', 'BadHandle', `The operation handle ${handle.verb} has no ${member}.`)
  return value
}

export function textsOf(handle: OperationHandle, member: string): readonly string[] {
  const value = handle.native[member]
  if (!Array.isArray(value)) throw providerError('invalid', 'BadHandle', `The operation handle ${handle.verb} has no ${member}.`)
  return value.filter((item) => typeof item === 'string')
}
