import { now, sleep } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, Offering, OperationHandle, OperationStatus, ProviderError } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import type { Operation } from './clients.ts'
import { operationError } from './errors.ts'

export type Poller = (handle: OperationHandle) => Promise<OperationStatus<unknown>>

export const handleOf = <Result>(adapter: Adapter, verb: string, context: CallContext, native: JsonObject): OperationHandle<Result> => ({
  v: 1,
  provider: adapter.scope.provider,
  verb,
  idempotencyKey: context.idempotencyKey,
  startedAt: now(adapter.clock).toISOString(),
  native,
})

export const running = (nativeState: string, progress?: number): OperationStatus<never> => ({
  phase: 'running',
  nativeState,
  retryAfterMs: 1_000,
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

/** Why an operation that has ended failed: it never throws by itself, and its HTTP answer was a success. */
export function failureOf(operation: Operation, offering?: Offering): ProviderError | undefined {
  const [first] = operation.error?.errors ?? []
  if (first !== undefined) return operationError(first, operation.httpErrorStatusCode, offering)
  const status = operation.httpErrorStatusCode ?? 0
  return status >= 400 ? operationError({ code: String(status), message: operation.httpErrorMessage ?? '' }, status, offering) : undefined
}

export const isDone = (operation: Operation): boolean => operation.status === 'DONE'

/** Where the operation of a handle stands; `undefined` when it has ended well, or so long ago that Google has forgotten it. */
export async function pollOperation(adapter: Adapter, handle: OperationHandle, offering?: Offering): Promise<OperationStatus<never> | undefined> {
  const name = handle.native['operation']
  if (typeof name !== 'string') return undefined
  try {
    const operation = await adapter.calls.getZoneOperation(textOf(handle, 'zone'), name)
    if (!isDone(operation)) return running(String(operation.status ?? 'RUNNING'), operation.progress ?? undefined)
    const failure = failureOf(operation, offering)
    return failure === undefined ? undefined : failed(failure)
  } catch (error) {
    if (isProviderError(error, 'not_found')) return undefined
    throw error
  }
}

/** Holds on until a short operation (labels, protection, backends) has ended; throws what made it fail. Without a zone it is a global one. */
export async function untilDone(adapter: Adapter, zone: string | undefined, accepted: Operation, signal?: AbortSignal): Promise<void> {
  let operation = accepted
  while (!isDone(operation)) {
    const name = operation.name ?? ''
    operation = await (zone === undefined ? adapter.calls.waitGlobalOperation(name, signal) : adapter.calls.waitZoneOperation(zone, name, signal))
    // Google holds the wait; an endpoint that does not is not asked without a pause.
    if (!isDone(operation)) await sleep(adapter.clock, 250)
  }
  const failure = failureOf(operation)
  if (failure !== undefined) throw failure
}
