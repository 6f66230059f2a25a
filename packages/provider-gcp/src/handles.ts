import { sleep } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { Offering, OperationHandle, OperationStatus, ProviderError } from '@understudy/provider'
import { failed, running, textOf } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import type { Operation } from './clients.ts'
import { operationError } from './errors.ts'

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
    if (!isDone(operation)) return running(String(operation.status ?? 'RUNNING'), 1_000, operation.progress ?? undefined)
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
