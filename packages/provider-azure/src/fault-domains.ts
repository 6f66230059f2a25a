import type { VirtualMachine } from '@azure/arm-compute'
import { providerError } from '@understudy/provider'
import type { ProviderError } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { readVm } from './inventory.ts'

/** Nobody can ask for a fault domain: a clone that got that of its source is none that was asked for. `undefined`: it did not, as far as is known. */
export async function sharedFaultDomain(adapter: Adapter, vm: VirtualMachine, sourceId: string): Promise<ProviderError | undefined> {
  const domain = vm.instanceView?.platformFaultDomain
  if (domain === undefined || (await readVm(adapter, sourceId))?.instanceView?.platformFaultDomain !== domain) return undefined
  return providerError('insufficient_capacity', 'SameFaultDomain', `Azure has put it into the fault domain of its source (${domain}).`)
}
