import type { OperationHandle } from '@understudy/provider'
import { providerError } from '@understudy/provider'
import type { Adapter } from './adapter.ts'

/** How long a described state may lag behind a call that EC2 has accepted. */
export const settleMs = 60_000

/** True while a state that contradicts the accepted call may still be the old one. */
export const mayBeStale = (adapter: Adapter, handle: OperationHandle): boolean => adapter.clock.nowMs() - Date.parse(handle.startedAt) < settleMs

/** A list of texts in a handle's private part. */
export function textsOf(handle: OperationHandle, member: string): readonly string[] {
  const value = handle.native[member]
  if (!Array.isArray(value)) throw providerError('invalid', 'BadHandle', `The operation handle ${handle.verb} has no ${member}.`)
  return value.filter((item) => typeof item === 'string')
}
