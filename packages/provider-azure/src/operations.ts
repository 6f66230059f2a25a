import { restorePoller } from '@azure/arm-compute'
import type { ComputeManagementClient } from '@azure/arm-compute'
import type { Offering } from '@understudy/provider'
import { type Adapter, call } from './adapter.ts'
import { lastRetryAfterMs } from './capture.ts'

type Operations = ComputeManagementClient['virtualMachines']
/** Operations on a VM whose polling may go on in another process. */
export type VmOperation = 'createOrUpdate' | 'start' | 'deallocate' | 'delete'

interface Submitted {
  submitted(): Promise<void>
  serialize(): Promise<string>
  readonly isDone: boolean
}

/** Hands the request in, and answers what another process needs to go on; `undefined` when there is nothing to wait for. */
export const submit = (begin: (operations: Operations) => Submitted, adapter: Adapter, offering?: Offering): Promise<string | undefined> =>
  call(async () => {
    const poller = begin(adapter.clients.compute.virtualMachines)
    await poller.submitted()
    return poller.isDone ? undefined : await poller.serialize()
  }, offering)

/**
 * Asks once where an operation stands. Throws what it failed with: capacity is refused here, long after the request was
 * accepted. The address asked is the operation's own, whose bucket is a thousand times that of the VM.
 */
export const look = (
  adapter: Adapter,
  operation: VmOperation,
  state: string,
  offering?: Offering,
): Promise<{ readonly done: boolean; readonly retryAfterMs: number }> =>
  call(async () => {
    const { compute } = adapter.clients
    const poller = restorePoller(compute, state, compute.virtualMachines[operation] as Parameters<typeof restorePoller>[2])
    await poller.poll()
    return { done: poller.isDone, retryAfterMs: lastRetryAfterMs() ?? 2_000 }
  }, offering)
