import { sleep } from '@understudy/core'
import type { Offering, OperationHandle, OperationStatus, ProviderError } from '@understudy/provider'
import { failed, running, textOf } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import type { Operation } from './clients.ts'
import { operationError } from './errors.ts'
import { unlessGone } from './instance-reader.ts'
import { lastPart } from './names.ts'

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
  return typeof name === 'string' ? await pollNamed(adapter, textOf(handle, 'zone'), name, offering) : undefined
}

/** The same of one operation by its name. Without a zone it is a global one. */
export async function pollNamed(
  { calls }: Adapter,
  zone: string | undefined,
  name: string,
  offering?: Offering,
): Promise<OperationStatus<never> | undefined> {
  const operation = await unlessGone(zone === undefined ? calls.getGlobalOperation(name) : calls.getZoneOperation(zone, name))
  if (operation === undefined) return undefined
  if (!isDone(operation)) return running(String(operation.status ?? 'RUNNING'), 1_000, operation.progress ?? undefined)
  const failure = failureOf(operation, offering)
  return failure === undefined ? undefined : failed(failure)
}

/**
 * Holds on until a short operation (labels, protection, backends) has ended; throws what made it fail. An operation says itself
 * whether it is one of a zone, of a region, or global.
 */
export async function untilDone(adapter: Adapter, accepted: Operation, signal?: AbortSignal): Promise<void> {
  const { calls } = adapter
  let operation = accepted
  while (!isDone(operation)) {
    const { name, zone, region } = operation
    operation = await (zone
      ? calls.waitZoneOperation(lastPart(zone), name ?? '', signal)
      : region
        ? calls.waitRegionOperation(name ?? '', signal)
        : calls.waitGlobalOperation(name ?? '', signal))
    // Google holds the wait; an endpoint that does not is not asked without a pause.
    if (!isDone(operation)) await sleep(adapter.clock, 250)
  }
  const failure = failureOf(operation)
  if (failure !== undefined) throw failure
}
