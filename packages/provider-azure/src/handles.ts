import type { OperationHandle } from '@understudy/provider'

/** A member of a handle's private part that is not always there. */
export function optionalText(handle: OperationHandle, member: string): string | undefined {
  const value = handle.native[member]
  return typeof value === 'string' ? value : undefined
}
